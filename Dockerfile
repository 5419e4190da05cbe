# Two images from one file: `production` has the worker and the command line, `development` the
# simulated outside systems as well. Built by docker-compose.yml; not built where it was written.
FROM python:3.13.9-slim-bookworm AS production
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/app/.venv/bin:$PATH
WORKDIR /app
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-default-groups --no-python-downloads
COPY activities/ activities/
COPY adapters/ adapters/
COPY commands/ commands/
COPY data/ data/
COPY domain/ domain/
COPY forms/ forms/
COPY policy/ policy/
COPY records/ records/
COPY runtime/ runtime/
COPY workflows/ workflows/
COPY starter.py worker.py ./
RUN useradd --uid 10001 --no-create-home ngp && install -d -o ngp -m 700 /keys
USER ngp
CMD ["python", "worker.py"]

FROM production AS development
USER root
RUN uv sync --frozen --no-default-groups --group stack --no-python-downloads
COPY contracts/ contracts/
COPY simulators/ simulators/
RUN install -d -o ngp -m 700 /data
USER ngp
