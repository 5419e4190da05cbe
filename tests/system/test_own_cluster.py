"""A Temporal of the user's own: the whole stack and the command line work in its namespace."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from commands.running import make_stack
from runtime.temporal_namespace import register_namespace, register_search_attributes
from runtime.temporal_server import TemporalServer
from tests.system.conftest import starter
from workflows.case import SEARCH_ATTRIBUTES


async def _make_namespace(address: str, name: str) -> Client:
    """Make a namespace, as its owner would have; every part of the server has to hear of it."""
    client = await Client.connect(address, namespace=name)
    await register_namespace(client)
    async with asyncio.timeout(30):
        while True:
            try:
                await register_search_attributes(client, SEARCH_ATTRIBUTES)
            except RPCError:
                await asyncio.sleep(0.2)
            else:
                return client


@pytest.mark.timeout(120)
async def test_a_profile_is_enough_for_stack_worker_and_commands(
    tmp_path: Path, temporal: TemporalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile is named once, for `up`; another terminal opens and shows a case without it."""
    lab = await _make_namespace(temporal.address, "lab")
    profile = f'[profile.lab]\naddress = "{temporal.address}"\nnamespace = "lab"\n'
    (tmp_path / "temporal.toml").write_text(profile, "utf-8")
    folder = tmp_path / "stack"
    async with AsyncExitStack() as running, asyncio.timeout(100):
        with monkeypatch.context() as first_terminal:
            first_terminal.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))
            first_terminal.setenv("TEMPORAL_PROFILE", "lab")
            await running.enter_async_context(make_stack(folder, durable=False))
        data = (
            "--data",
            "docs/examples/application.json",
            "--as",
            "producer_contact:anna.lind@kiruna.example",
        )
        opened = await starter("open", "onboarding", *data, data_dir=folder)
        assert 0 == opened.code, opened.err
        ref = opened.out.strip()
        while (shown := await starter("show", ref, data_dir=folder)).code != 0:
            continue  # it is recorded in a moment
        assert "Kiruna kommun" in shown.out
        described = await lab.get_workflow_handle(ref).describe()
        assert "ProducerOnboarding" == described.workflow_type
