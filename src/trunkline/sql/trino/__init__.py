"""Trino (Athena) SQL translated to DuckDB."""
