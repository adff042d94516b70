"""What each number means, over the catalogue's tables. No I/O."""
