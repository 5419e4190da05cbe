"""Making a Postgres and a Temporal of somebody's own ready for the worker."""

import asyncio

from pydantic import ValidationError
from temporalio.client import Client

from commands.context import CommandError, say
from records.keys import FileKeyRing, add_key, make_key_file
from records.migrate import migrate
from runtime.settings import Settings
from runtime.temporal import connect, make_plugin
from runtime.temporal_server import register_search_attributes
from workflows.case import SEARCH_ATTRIBUTES

PATIENCE_TRIES = 150
PAUSE_SECONDS = 0.2


async def prepare(new_key: str | None) -> dict[str, object]:
    """Make the key file, apply migrations, register search attributes; returns what was done.

    Raises:
        CommandError: a setting is missing, the ring has a key of that id, or Temporal does not
            take the attributes.
    """
    settings = _settings()
    make_key_file(settings.key_file)
    if new_key is not None:
        try:
            add_key(settings.key_file, new_key)
        except ValueError as error:
            raise CommandError(f"Nyckeln finns redan / {error}") from None
        say("Starta om alla workers. / Start all workers again: they then seal with it too.")
    applied = await migrate(settings.database_dsn.get_secret_value())
    keys = FileKeyRing(settings.key_file)
    client = await connect(make_plugin(keys))
    await _until_known(client)
    return {
        "key": keys.current_id,
        "migrations": applied,
        "namespace": client.namespace,
        "search_attributes": sorted(SEARCH_ATTRIBUTES),
    }


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        names = ", ".join(str(each["loc"][0]).upper() for each in error.errors())
        raise CommandError(f"Inställningar saknas eller är fel / set or correct: {names}") from None


async def _until_known(client: Client) -> None:
    """Register what is missing and wait: an unknown attribute would stop a case for ever."""
    for _ in range(PATIENCE_TRIES):
        try:
            await register_search_attributes(client, SEARCH_ATTRIBUTES)
        except RuntimeError:
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return
    raise CommandError(
        "Temporal känner inte sökattributen. / Temporal does not know the search attributes: "
        + ", ".join(sorted(SEARCH_ATTRIBUTES))
    )
