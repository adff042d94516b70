"""Objects that users declare in TOML files, without code."""
