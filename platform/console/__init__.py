"""Pages that need several apps, the frame around every page, and template tags."""
