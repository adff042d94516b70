"""Files of tables: CSV, Parquet and Excel."""
