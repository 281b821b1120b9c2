"""Where carriers are called: fetch or ask, then one command. Celery and `manage.py sync` run the same functions."""
