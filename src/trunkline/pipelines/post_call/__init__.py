"""The tables and transcripts of post-call analytics: streams, scans, exports, functions."""
