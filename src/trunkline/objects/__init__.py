"""The catalogue: what each table is. No I/O."""
