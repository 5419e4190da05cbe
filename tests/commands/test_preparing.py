"""`prepare`, where something it stands on is not there."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from commands import preparing
from commands.context import CommandError
from runtime.processes import free_port


async def test_a_postgres_that_is_down_is_told_without_a_stack_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which system does not answer and which setting to look at, in both languages."""
    dsn = f"postgresql://ngp@127.0.0.1:{free_port()}/ngp"
    settings = SimpleNamespace(key_file=tmp_path / "keys.json", database_dsn=SecretStr(dsn))
    monkeypatch.setattr(preparing, "read_settings", lambda: settings)

    with pytest.raises(CommandError, match=r"Postgres svarar inte.*DATABASE_DSN.* / Postgres does"):
        await preparing.prepare(None)
