"""An emulator of the Amazon Connect API."""
