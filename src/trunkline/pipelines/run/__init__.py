"""Runs of an object: what is due, the lock, the history, and the stages that state machines call."""
