"""Benchmarks: `manage.py bench`, `bench_books`, `bench_rules` (docs/performance.md). No installation has them."""
