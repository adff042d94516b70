"""The truth: append-only versions in Parquet, local or in S3."""
