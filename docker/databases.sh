#!/bin/sh
# Run once by the Postgres image on an empty data volume: a role and databases for each owner.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres \
    -v ngp_password="$NGP_PASSWORD" -v temporal_password="$TEMPORAL_PASSWORD" <<'SQL'
create role ngp login password :'ngp_password';
create role temporal login password :'temporal_password';
create database ngp owner ngp;
create database temporal owner temporal;
create database temporal_visibility owner temporal;
SQL
