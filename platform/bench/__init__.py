"""Benchmarks: `bench` and `bench_...` of manage.py (docs/performance.md). No installation has them."""
