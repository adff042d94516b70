"""What the post-call application writes: calls, scorecards and transcripts, and the view that has them together."""
