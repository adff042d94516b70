"""What sets one SQL engine apart from another, as data: types, quoting, NULL order, byte limits. No I/O."""
