"""Benchmarks: `bench` and `bench_...` of manage.py (docs/performance.md). No installation has them."""

ANSWERS = "BENCH_ANSWERS"  # names the folder of the bytes that a bare view answers with
