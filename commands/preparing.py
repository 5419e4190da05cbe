"""Making a Postgres and a Temporal of somebody's own ready for the worker."""

from temporalio.service import RPCError

from commands.context import NO_RECORDS, CommandError, no_answer, read_settings, say
from records.errors import EditedMigrationError, OldPostgresError
from records.keys import FileKeyRing, add_key, make_key_file
from records.migrate import migrate
from runtime.temporal import connect, make_plugin
from runtime.temporal_namespace import (
    register_namespace,
    register_search_attributes,
    wait_until_usable,
)
from workflows.case import SEARCH_ATTRIBUTES


async def prepare(new_key: str | None) -> dict[str, object]:
    """Make the key file, apply migrations, register namespace and search attributes.

    Returns what was done.

    Raises:
        CommandError: a setting is missing, the ring has a key of that id, Postgres is too old or
            does not answer, a migration was edited after it was applied, or Temporal does not
            take the attributes.
    """
    settings = read_settings()
    make_key_file(settings.key_file)
    if new_key is not None:
        try:
            add_key(settings.key_file, new_key)
        except ValueError as error:
            raise CommandError(f"Nyckeln finns redan / {error}") from None
        say("Starta om alla workers. / Start all workers again: they then seal with it too.")
    try:
        applied = await migrate(settings.database_dsn.get_secret_value())
    except (OldPostgresError, EditedMigrationError) as error:
        raise CommandError(str(error)) from None
    except NO_RECORDS:
        raise no_answer("Postgres", "DATABASE_DSN") from None
    keys = FileKeyRing(settings.key_file)
    try:
        client = await connect(make_plugin(keys))
        await register_namespace(client)
        await register_search_attributes(client, SEARCH_ATTRIBUTES)
        await wait_until_usable(client, SEARCH_ATTRIBUTES)
    except (OSError, RuntimeError, RPCError) as error:
        raise CommandError(f"Temporal: {error}") from None
    return {
        "key": keys.current_id,
        "migrations": applied,
        "namespace": client.namespace,
        "search_attributes": sorted(SEARCH_ATTRIBUTES),
    }
