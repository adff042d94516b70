"""Where records come from, one file per system: bytes and positions, no typing."""
