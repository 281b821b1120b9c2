"""Doors to money."""
