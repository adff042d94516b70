"""Commands that run and maintain an installation: serve, warehouse, lake, release."""
