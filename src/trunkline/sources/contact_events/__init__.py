"""Contact events: an EventBridge rule's events, read from an SQS queue or delivered by Lambda."""
