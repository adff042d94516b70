"""Objects and metrics to SQL for an engine. Pure: text in, text out."""
