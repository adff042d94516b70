"""What was read, kept, merged, set aside, and what is missing."""
