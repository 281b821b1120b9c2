"""Doors to lines."""
