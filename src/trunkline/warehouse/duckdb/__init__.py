"""The embedded DuckDB warehouse."""
