"""A PostgreSQL warehouse."""
