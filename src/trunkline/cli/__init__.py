"""The command line, one file per noun; output.py is the only printer."""
