"""The command line: `commands/` has one file per noun; output.py is the only printer."""
