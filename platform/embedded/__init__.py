"""PostgreSQL and Redis of our own, started when no URL names others, and the demo that runs on them."""
