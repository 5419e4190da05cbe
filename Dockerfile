# Two images from one file: `engine` (worker and command line) and `simulators` (the stand-in
# outside world, never in production). Run from the repository root: an application, not a package.
FROM python:3.13.9-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
WORKDIR /app
RUN useradd --system --uid 10001 --no-create-home ngp

FROM base AS builder
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml uv.lock ./

FROM builder AS engine-packages
RUN uv sync --frozen --no-default-groups --no-python-downloads --compile-bytecode

FROM builder AS simulator-packages
RUN uv sync --frozen --no-default-groups --group stack --no-python-downloads --compile-bytecode

FROM base AS engine
COPY --from=engine-packages /app/.venv .venv
COPY activities activities
COPY adapters adapters
COPY commands commands
COPY data data
COPY domain domain
COPY forms forms
COPY policy policy
COPY records records
COPY runtime runtime
COPY workflows workflows
COPY starter.py worker.py ./
RUN python -m compileall -q -x '/[.]' .
USER ngp
CMD ["python", "worker.py"]

FROM base AS simulators
COPY --from=simulator-packages /app/.venv .venv
COPY contracts contracts
COPY simulators simulators
RUN mkdir /state && chown ngp /state
VOLUME /state
USER ngp
