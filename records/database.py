"""The connection to Postgres."""

import json
from typing import Any

import asyncpg


async def _set_up(connection: "asyncpg.Connection[Any]") -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind,
            encoder=lambda value: json.dumps(value, ensure_ascii=False),
            decoder=json.loads,
            schema="pg_catalog",
        )


async def _keep(connection: "asyncpg.Connection[Any]") -> None:
    """Give a connection back as it is: no query of ours sets anything that outlives it.

    The usual clean-up asks Postgres one more question for each that we ask.
    """
    del connection


async def connect(dsn: str, *, largest: int = 10) -> asyncpg.Pool:
    """Open a pool. It connects when first used, so that a database that is down blocks no start."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=largest,
        init=_set_up,
        reset=_keep,
        timeout=10,
        command_timeout=20,
        server_settings={"application_name": "ngp-onboarding"},
    )
