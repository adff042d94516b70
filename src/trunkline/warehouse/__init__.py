"""The fold of the lake: staging, and one folder per kind of warehouse."""
