"""Records that were set aside, run again."""
