# syntax=docker/dockerfile:1

# Two stages: what builds tailguard stays behind in the first.
FROM python:3.11-slim-bookworm AS build

ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    VIRTUAL_ENV=/opt/tailguard

RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9 \
    && uv venv "$VIRTUAL_ENV"

WORKDIR /build

# requirements.lock has development tools in it, so it is no list of what to install. uv takes it for constraints, and
# refuses a file whose hash is not the one that stands there; pip cannot do that.
COPY pyproject.toml requirements.lock ./
RUN uv pip install --requirements pyproject.toml --extra postgresql --extra parquet --constraints requirements.lock

COPY README.md LICENSE ./
COPY flows flows
COPY tasks tasks
COPY signals signals
COPY storage storage
COPY reports reports
RUN uv build --wheel --build-constraints requirements.lock --out-dir dist \
    && uv pip install --no-deps dist/*.whl


FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="tailguard" \
      org.opencontainers.image.description="Daily target allocations of systematic volatility hedges" \
      org.opencontainers.image.licenses="MIT"

RUN groupadd --gid 10001 tailguard \
    && useradd --uid 10001 --gid tailguard --no-create-home --home-dir /var/lib/tailguard tailguard \
    && install --directory --owner tailguard --group tailguard /var/lib/tailguard

COPY --from=build /opt/tailguard /opt/tailguard

# Prefect and matplotlib keep their own state apart from the volume; a run needs none of an earlier one.
ENV PATH=/opt/tailguard/bin:$PATH \
    MPLCONFIGDIR=/tmp/matplotlib \
    PREFECT_HOME=/tmp/prefect \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# By number, so that an orchestrator can see that it is not root.
USER 10001:10001

# tailguard.toml is read from here, and tailguard.db is written here.
WORKDIR /var/lib/tailguard
VOLUME /var/lib/tailguard

# What Ctrl-C sends: a run ends at once, and what it stored stays.
STOPSIGNAL SIGINT

ENTRYPOINT ["tailguard"]
CMD ["--help"]
