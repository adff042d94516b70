"""The agent events and contact events of the simulated centre."""
