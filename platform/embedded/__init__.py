"""PostgreSQL and Redis of our own, started when no URL names others, and the demo that runs on them."""

from embedded import secret_files

secret_files.read()  # before anybody asks where the servers are
