# The server, as a container: docs/guide/running.md. Everything from PyPI is locked by hashes; to lock the base too,
# build with --build-arg BASE=debian:bookworm-slim@sha256:…
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
WORKDIR /src
COPY requirements/run.txt requirements/
RUN python3 -m venv /opt/didier \
    && /opt/didier/bin/python -m pip install --no-cache-dir --require-hashes --requirement requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY docs docs
COPY src src
RUN /opt/didier/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${BASE}
RUN apt-get update && apt-get install --yes --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /var/lib/didier --create-home --shell /usr/sbin/nologin didier
COPY --from=build /opt/didier /opt/didier
ENV PATH=/opt/didier/bin:$PATH DIDIER_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/didier
VOLUME /var/lib/didier
EXPOSE 8080
# Where it serves TLS, or on another port, the container is started with a --health-cmd of its own.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=5)"]
ENTRYPOINT ["didier"]
CMD ["serve"]
