# One image for the web server, the workers, beat and every command. What builds it stays behind: the last step has
# neither tests, nor linters, nor the stand-ins for carriers and Stripe.
ARG PYTHON=python:3.12-slim

FROM ${PYTHON} AS build
RUN apt-get update && apt-get install --yes --no-install-recommends make
WORKDIR /app
COPY . .
RUN make setup
# The installation's own packages, by their own lock.
RUN python -m venv /venv \
    && .venv/bin/uv pip install --quiet --compile-bytecode --python /venv --no-deps --require-hashes -r requirements.lock
RUN DJANGO_SETTINGS_MODULE=config.settings.production ALLOWED_HOSTS=localhost \
    DATABASE_URL=postgresql:// REDIS_URL=redis:// CLEAR_INSIDE=1 SECRET_KEY=for-this-step-only ENCRYPTION_KEYS=for-this-step-only \
    PATH=/venv/bin:$PATH PYTHONPATH=/app:/app/platform python manage.py collectstatic --noinput --verbosity 0
RUN scripts/image-files | tar --create --files-from - | tar --extract --directory "$(mkdir /image && echo /image)"

FROM ${PYTHON}
RUN useradd --system --uid 10001 --no-create-home linekeeper
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /image /app
USER 10001
ARG REVISION=
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app:/app/platform \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production \
    LINEKEEPER_LOG_LEVEL=INFO \
    LINEKEEPER_REVISION=${REVISION}
EXPOSE 8000
CMD ["python", "manage.py", "help"]
