"""Contact records as Amazon Connect and Firehose deliver them."""
