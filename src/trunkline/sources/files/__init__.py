"""Files of records, local or in S3: listing, decompression, framing."""
