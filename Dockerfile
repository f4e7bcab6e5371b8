# Tocsin as one small service. Nothing here is secret and nothing is fetched but what the two locks name, by hash.
#
#   docker build -t tocsin .
#   docker run --read-only --tmpfs /tmp -v tocsin:/var/lib/tocsin -v "$PWD/tocsin:/etc/tocsin:ro" \
#     --env-file tocsin.env -p 127.0.0.1:8080:8080 tocsin
#
# In tocsin.yaml, say `state: /var/lib/tocsin` (the one place that is written to, /tmp aside) and, so that a published
# port reaches the console, `web: {host: 0.0.0.0}`. With another web port, set TOCSIN_HEALTH_URL too.

ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv --without-pip /opt/tocsin && python -m venv /opt/builder
COPY requirements.lock requirements-build.lock ./
# --no-deps: the lock is complete, and hashes hold for what it names only; no source is ever built on the way.
# The numeric parts' own tests are a tenth of the image and are never imported.
RUN /opt/builder/bin/pip --python /opt/tocsin/bin/python install \
      --no-deps --require-hashes --only-binary :all: -r requirements.lock \
 && /opt/builder/bin/pip install --no-deps --require-hashes --only-binary :all: -r requirements-build.lock \
 && cd /opt/tocsin/lib/python3*/site-packages \
 && find numpy scipy sklearn pandas pyarrow statsmodels -type d -name tests -prune -exec rm -rf {} +
COPY pyproject.toml README.md LICENSE ./
COPY runbooks/ runbooks/
COPY templates/ templates/
COPY bot/ bot/
RUN /opt/builder/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
 && /opt/builder/bin/pip --python /opt/tocsin/bin/python install --no-deps --no-index /wheels/*.whl

FROM ${BASE}
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/tocsin --shell /usr/sbin/nologin tocsin \
 && install -d -o 10001 -g 10001 -m 0750 /var/lib/tocsin \
 && install -d -m 0755 /etc/tocsin
COPY --from=build /opt/tocsin /opt/tocsin
ENV PATH=/opt/tocsin/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/var/lib/tocsin \
    TMPDIR=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    TOCSIN_HEALTH_URL=http://127.0.0.1:8080/healthz
USER 10001:10001
WORKDIR /var/lib/tocsin
VOLUME ["/var/lib/tocsin"]
EXPOSE 8080
# asked directly: a proxy in the environment is for the world outside
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open(os.environ['TOCSIN_HEALTH_URL'], timeout=4).close()"]
ENTRYPOINT ["tocsin"]
CMD ["run", "-c", "/etc/tocsin/tocsin.yaml"]
