"""Loading into Redshift through its Data API."""
