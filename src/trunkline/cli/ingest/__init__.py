"""Commands that bring records in: load, stream, collect, backfill, simulate."""
