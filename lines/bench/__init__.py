"""The benchmark of the hot paths, beside what it measures: `manage.py bench` (docs/performance.md)."""
