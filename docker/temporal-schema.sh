#!/bin/sh
# Brings Temporal's two databases to the schema of the server's version. Safe to run again: the
# setup fails where there is a schema already, and the update then does what is missing.
set -eu
tool() {
    temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal "$@"
}
schemas=/etc/temporal/schema/postgresql/v12
tool --db temporal setup-schema -v 0.0 || true
tool --db temporal update-schema -d "$schemas/temporal/versioned"
tool --db temporal_visibility setup-schema -v 0.0 || true
tool --db temporal_visibility update-schema -d "$schemas/visibility/versioned"
