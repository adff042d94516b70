"""Transcripts: Amazon Transcribe, Call Analytics and Contact Lens output files."""
