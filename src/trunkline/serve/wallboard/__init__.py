"""The wallboard: a web page of the present, served by the process that folds the events."""
