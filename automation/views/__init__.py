"""Doors to rules, to what they did, and to webhooks."""
