"""The lake in Glue's Data Catalog: tables, crawler, named queries."""
