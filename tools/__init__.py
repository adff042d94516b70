"""What developers of Trunkline run; not part of the installed package."""
