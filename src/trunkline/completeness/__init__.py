"""What should be there against what is: periods, census, findings, certificates."""
