"""Migrations: numbered `.sql` files, each applied once in a transaction of its own."""

import hashlib
from pathlib import Path

import asyncpg

from records.errors import EditedMigrationError, OldPostgresError

FOLDER = Path(__file__).parent / "migrations"
LOCK = 4242_1001
OLDEST_POSTGRES = 15
TABLE = """
create table if not exists migrations (
    name text primary key, sha256 text not null, applied_at timestamptz not null default now()
)
"""


def _files() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.sql"))}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def migrate(dsn: str) -> list[str]:
    """Apply what is missing; returns the names of what was applied.

    Raises:
        OldPostgresError: the server is older than version 15; nothing has been changed.
        EditedMigrationError: an applied file has been edited.
    """
    connection = await asyncpg.connect(dsn)
    try:
        version = connection.get_server_version()
        if version.major < OLDEST_POSTGRES:
            raise OldPostgresError(f"{version.major}.{version.minor}")
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        await connection.execute(TABLE)
        applied = []
        for name, text in _files().items():
            known = await connection.fetchval("select sha256 from migrations where name = $1", name)
            if known is not None and known != _digest(text):
                raise EditedMigrationError(name)
            if known is None:
                async with connection.transaction():
                    await connection.execute(text)
                    await connection.execute(
                        "insert into migrations (name, sha256) values ($1, $2)", name, _digest(text)
                    )
                applied.append(name)
        return applied
    finally:
        await connection.close()


async def is_current(pool: asyncpg.Pool) -> bool:
    """Whether every migration has been applied, as it stands."""
    try:
        rows = await pool.fetch("select name, sha256 from migrations")
    except asyncpg.UndefinedTableError:
        return False
    applied = {row["name"]: row["sha256"] for row in rows}
    return applied == {name: _digest(text) for name, text in _files().items()}
