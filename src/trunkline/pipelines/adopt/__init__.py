"""Adopting an existing table: a load beside it, and the difference."""
