"""The flatten statement of an object: source values to typed columns."""
