"""Views on agents' events."""
