"""Commands that answer questions: SQL, metrics, reports, the catalogue."""
