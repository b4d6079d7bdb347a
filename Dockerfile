# Patchbay's image: web, worker and beat are three commands of one image.
#
#     docker build .                   production: no demo, no test tools
#     docker build --target demo .     with the local BigQuery and its data
#
# Any image with Python 3.11 or newer will do. Nothing but pip's packages is downloaded.
ARG PYTHON_IMAGE=python:3.12-slim


FROM ${PYTHON_IMAGE} AS packages
# Both come from the builder's environment where a mirror is needed; unset otherwise.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python3 -m venv /opt/venv
COPY requirements.txt constraints.txt ./
RUN /opt/venv/bin/pip install -c constraints.txt -r requirements.txt


FROM packages AS demo-packages
COPY requirements-local.txt ./
RUN /opt/venv/bin/pip install -c constraints.txt -r requirements-local.txt
# DuckDB looks for its extensions below the home folder, which is read-only later.
COPY patchbay/__init__.py patchbay/__init__.py
COPY patchbay/local patchbay/local
RUN mkdir /opt/duckdb \
    && HOME=/opt/duckdb /opt/venv/bin/python -c \
        "from patchbay.local.bigquery import import_extensions; import_extensions()" \
    && chmod -R a+rX,go-w /opt/duckdb


FROM ${PYTHON_IMAGE} AS code
# The user's number is what the volumes' files belong to. Files are written by hand where a
# small base image may lack useradd. The folders give new volumes their owner.
RUN echo 'patchbay:x:10001:' >> /etc/group \
    && echo 'patchbay:x:10001:10001:Patchbay:/var/lib/patchbay:/usr/sbin/nologin' >> /etc/passwd \
    && mkdir -p /var/lib/patchbay/bigquery /var/lib/patchbay/storage \
        /run/patchbay/keys /run/patchbay/postgres /run/patchbay/valkey /run/patchbay/valkey-data \
    && chown -R 10001:10001 /var/lib/patchbay /run/patchbay \
    && chmod -R 0700 /var/lib/patchbay /run/patchbay/keys
WORKDIR /srv/patchbay
COPY . .
# Readable whatever the umask was under which the repository was cloned.
RUN chmod -R a+rX,go-w /srv/patchbay
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PATCHBAY_HOME=/var/lib/patchbay


FROM code AS demo
COPY --from=demo-packages /opt/venv /opt/venv
COPY --from=demo-packages /opt/duckdb /opt/duckdb
USER 10001:10001


FROM code AS production
COPY --from=packages /opt/venv /opt/venv
# Settings need keys to load; these two are for this command and open nothing.
RUN PATCHBAY_SECRET_KEY=only-for-collectstatic-only-for-collectstatic-only \
    PATCHBAY_FIELD_ENCRYPTION_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    PATCHBAY_HTTPS=on \
    python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q access connections patchbay tasks
USER 10001:10001
EXPOSE 8000
# Streams of server-sent events stay open for as long as somebody watches; hence a bounded end.
CMD ["uvicorn", "patchbay.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--lifespan", "off", "--no-access-log", "--no-server-header", \
     "--timeout-graceful-shutdown", "5"]
# For the web process; docker-compose.yml has others for worker and beat.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-m", "patchbay.local.container_health", "web"]
