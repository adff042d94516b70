"""Source records to typed rows; what cannot be typed is set aside."""
