"""The AWS layer: clients, errors, and the services used by more than one stage."""
