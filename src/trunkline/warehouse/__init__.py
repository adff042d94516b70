"""The fold of the lake: staging, merge, one file per engine that connects."""
