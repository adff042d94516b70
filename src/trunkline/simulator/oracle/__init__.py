"""The right answers for a simulated centre."""
