# Any from 3.11 to 3.14.
ARG PYTHON=3.11

# The style sheet and the scripts of the pages.
FROM node:20-slim AS pages
WORKDIR /desk
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY static static
COPY templates templates
COPY tradedesk/templatetags tradedesk/templatetags
RUN npm run build

# The Python packages, in an environment that the last stage copies.
FROM python:$PYTHON-slim AS packages
RUN python -m venv /venv
COPY requirements/base.txt .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r base.txt

FROM python:$PYTHON-slim
# Compiled kernels are stored with the data, because the code belongs to root and is read only. The
# MALLOC settings return the memory of large arrays to the system: glibc would keep it, in several
# heaps.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONFAULTHANDLER=1 \
    MALLOC_MMAP_THRESHOLD_=1000000 \
    MALLOC_ARENA_MAX=2 \
    DJANGO_SETTINGS_MODULE=tradedesk.settings.base \
    DESK_DATA_DIR=/data \
    NUMBA_CACHE_DIR=/data/compiled
# pg_dump and pg_restore for backups, of the server's version (docker-compose.yml), which Debian does not have.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install -y --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 desk && install -d -o desk -g desk /data
WORKDIR /desk
COPY --from=packages /venv /venv
COPY . .
COPY --from=pages /desk/build build
COPY --from=pages /desk/node_modules/idiomorph/dist node_modules/idiomorph/dist
COPY --from=pages /desk/node_modules/@fontsource-variable node_modules/@fontsource-variable
# The key is only for this command and does not stay in the image.
RUN SECRET_KEY=only-to-collect-files DESK_DATA_DIR=/tmp/desk python manage.py setup_desk --only-static && rm -rf /tmp/desk
USER desk
VOLUME /data
EXPOSE 8000
