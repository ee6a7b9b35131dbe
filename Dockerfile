# Regulars as a job: `docker run --rm -v /srv/regulars:/data regulars score /data/regulars.toml --catch-up`.
# As a server: `docker run --init -p 127.0.0.1:8000:8000 -e REGULARS_API_KEY -v /srv/regulars:/data regulars serve
# /data/regulars.toml --host 0.0.0.0`; it needs a key there, and ends well on SIGTERM.
# Everything that is made lies in /data, which belongs to user 10001; the rest may be read-only but for /tmp.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY src src
COPY pipelines pipelines
# The build's own tool by its hash, too: a build in isolation would fetch whatever is newest.
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock > build.lock \
    && pip install --no-cache-dir --require-hashes -r build.lock \
    && pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    OMP_WAIT_POLICY=passive MPLBACKEND=Agg MPLCONFIGDIR=/tmp/matplotlib \
    MLFLOW_DISABLE_TELEMETRY=true REGULARS_LOG=json
COPY requirements-production.lock /tmp/
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r /tmp/requirements-production.lock
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --no-deps /wheels/*.whl && regulars --help > /dev/null
RUN useradd --uid 10001 --user-group --create-home regulars \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
USER 10001:10001
WORKDIR /data
VOLUME /data
# A job that ends needs no HEALTHCHECK: its exit code and the last line of its log tell how it was. Of a server
# whoever runs it asks GET /health, as compose.yaml does.
ENTRYPOINT ["regulars"]
CMD ["--help"]
