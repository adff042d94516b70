"""The present: agents, contacts and queues, folded out of events by pure functions, and stores of series."""
