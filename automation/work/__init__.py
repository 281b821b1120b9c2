"""Rules at work."""
