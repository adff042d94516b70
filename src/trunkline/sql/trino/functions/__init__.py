"""Trino's functions, by family."""
