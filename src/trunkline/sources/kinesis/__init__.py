"""Kinesis data streams: contact records and agent events, followed shard by shard or delivered by Lambda."""
