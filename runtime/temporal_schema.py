"""The databases of a Temporal server on Postgres, made and brought up to date by its own tool."""

from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from runtime.processes import ProcessEndedError, start
from runtime.temporal_config import STORES
from runtime.temporal_source import SQL_TOOL, built_with_go

SCHEMAS = {"temporal": "temporal", "temporal_visibility": "visibility"}
NO_SCHEMA = "select to_regclass('schema_version') is null"


async def prepare_databases(dsn: str, log: Path) -> None:
    """Make what is missing of the databases and their schemas.

    Raises:
        ProcessEndedError: the tool failed; says why.
    """
    tool = await built_with_go(SQL_TOOL)
    for database in STORES.values():
        await _create(dsn, database)
        if await _has_no_schema(dsn, database):
            await _run(tool, dsn, database, log, "setup", "-v", "0.0")
        schema = f"postgresql/v12/{SCHEMAS[database]}"
        await _run(tool, dsn, database, log, "update", "--schema-name", schema)


async def _create(dsn: str, database: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f'create database "{database}"')
    except asyncpg.DuplicateDatabaseError:
        pass
    finally:
        await connection.close()


async def _has_no_schema(dsn: str, database: str) -> bool:
    connection = await asyncpg.connect(urlsplit(dsn)._replace(path=f"/{database}").geturl())
    try:
        return bool(await connection.fetchval(NO_SCHEMA))
    finally:
        await connection.close()


async def _run(tool: Path, dsn: str, database: str, log: Path, *task: str) -> None:
    server = urlsplit(dsn)
    command = [str(tool), "--ep", str(server.hostname), "-p", str(server.port or 5432)]
    command += ["-u", server.username or "", "--pl", "postgres12", "--db", database, *task]
    environment = {"SQL_PASSWORD": server.password or ""}  # not for `ps` to see
    child = await start("Temporal's schema tool", command, log=log, env=environment)
    if await child.process.wait() != 0:
        raise ProcessEndedError(f"{child.name} failed on {database}:\n{child.last_lines()}")
