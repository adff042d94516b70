"""What a command does with a home, one file per job."""
