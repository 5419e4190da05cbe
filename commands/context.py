"""What every command needs: the running stack, a client, and the records."""

import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import yaml
from pydantic import ValidationError
from rich.console import Console
from temporalio.client import Client
from temporalio.service import RPCError

from domain.policy import Policy
from domain.texts import Texts
from records import cases
from records.database import connect as connect_records
from records.keys import FileKeyRing
from runtime.settings import ROOT, Settings
from runtime.stack_directory import StackDirectory
from runtime.temporal import connect, make_plugin

DATA_DIR = ROOT / "var" / "stack"
STDERR = Console(stderr=True)  # progress; stdout is for data alone
# Postgres is down, full, not where it is looked for, or does not know us.
NO_RECORDS = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
)


class CommandError(Exception):
    """Something a person can mend; its text says what, where and what to do."""


@dataclass(frozen=True)
class Context:
    """An open connection to a running stack."""

    settings: Settings
    client: Client
    pool: asyncpg.Pool
    keys: FileKeyRing
    policy: Policy
    texts: Texts

    async def workflow_id(self, ref: str) -> str:
        """Return the workflow id behind a case number or a workflow id."""
        if "/" in ref:
            return ref
        row = await cases.find(self.pool, ref)
        if row is None:
            raise CommandError(
                f"Det finns inget ärende {ref}. / There is no case {ref}. (starter.py list)"
            )
        return str(row["workflow_id"])


async def running_stack(data_dir: Path | None = None) -> dict[str, str]:
    """Return the settings of the stack that `up` runs; empty when the environment has its own.

    Raises:
        CommandError: neither; says how to start one.
    """
    folder = data_dir or Path(os.environ.get("NGP_DATA_DIR", DATA_DIR))
    found = await StackDirectory(folder).published() if folder.exists() else None
    if found is not None:
        return found
    if {"DATABASE_DSN", "DATABASE_DSN_FILE"} & os.environ.keys():
        return {}
    raise CommandError(
        "Ingen stack är igång. Starta den med: starter.py up / "
        "No stack is running. Start it with: starter.py up"
    )


def read_settings(**given: Any) -> Settings:
    """Read the settings from what is given and the environment.

    Raises:
        CommandError: some are missing or wrong; says which.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        names = (str((each["loc"] or (each["msg"],))[0]) for each in error.errors())
        wrong = ", ".join(name.upper() if name in Settings.model_fields else name for name in names)
        raise CommandError(
            f"Inställningar saknas eller är fel: {wrong}. Se README, Settings. / "
            f"Settings are missing or wrong: {wrong}. See README, Settings."
        ) from None


def no_answer(what: str, setting: str) -> CommandError:
    """Say that a system we stand on does not answer."""
    return CommandError(
        f"{what} svarar inte. Kontrollera att det är igång och att {setting} är rätt. / "
        f"{what} does not answer. Check that it runs and that {setting} is right."
    )


@asynccontextmanager
async def opened(data_dir: Path | None = None) -> AsyncIterator[Context]:
    """Open a connection to the running stack for the length of a command."""
    stack = await running_stack(data_dir)
    given: dict[str, Any] = {name.lower(): value for name, value in stack.items()}
    settings = read_settings(**given)
    keys = FileKeyRing(settings.key_file)
    pool = await connect_records(settings.database_dsn.get_secret_value())
    try:
        client = await connect(make_plugin(keys), environment=stack or None)
    except (OSError, RuntimeError, RPCError):
        await pool.close()
        raise no_answer("Temporal", "TEMPORAL_ADDRESS") from None
    policy = Policy.model_validate(yaml.safe_load(settings.policy_file.read_text("utf-8")))
    texts = Texts.model_validate(yaml.safe_load(settings.texts_file.read_text("utf-8")))
    try:
        yield Context(settings, client, pool, keys, policy, texts)
    except NO_RECORDS:
        raise no_answer("Postgres", "DATABASE_DSN") from None
    finally:
        await pool.close()


def read_data(data: str | None) -> dict[str, Any]:
    """Read a payload: JSON itself, or the path of a JSON file."""
    if data is None:
        return {}
    text = data
    if not data.lstrip().startswith("{"):
        path = Path(data)
        if not path.is_file():
            raise CommandError(f"{data}: varken JSON eller en fil. / neither JSON nor a file.")
        text = path.read_text("utf-8")
    try:
        loaded = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--data är inte JSON / is not JSON: {error}") from None
    if not isinstance(loaded, dict):
        raise CommandError("--data ska vara ett JSON-objekt. / must be a JSON object.")
    return loaded


def said(refusal: dict[str, Any]) -> tuple[str, str]:
    """Return what a refusal says, in Swedish and English, each with its place in front."""
    field, text = refusal.get("field"), refusal["text"]
    sv, en = (
        f"{field}: {each}" if field and not each.startswith(field) else each
        for each in (text["sv"], text["en"])
    )
    return sv, en


def say(text: str) -> None:
    """Tell a person how it goes, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def print_json(value: object) -> None:
    """Print data, on stdout, in one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    """Print a line of data, on stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
