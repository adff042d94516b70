"""What people look at: the report, boards, charts."""
