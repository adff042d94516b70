"""The Lambda functions that state machines call: one for each stage of a run."""
