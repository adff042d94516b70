"""The simulated contact centre: queues, agents, contacts and the event loop."""
