"""The lake as Glue and Athena know it: tables, Hive types, named queries."""
