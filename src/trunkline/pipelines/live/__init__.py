"""What feeds live series: events as points, and the present as the Connect API has it. Without the embedded engine."""
