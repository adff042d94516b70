"""Items of DynamoDB tables: streams, scans and exports."""
