"""SQL engines as data: types, quoting, expressions, DDL rules, limits. No I/O."""
