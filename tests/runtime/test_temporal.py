import warnings
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from records.keys import FileKeyRing, make_key_file
from runtime.temporal import connect, make_plugin
from runtime.temporal_server import TemporalServer
from worker import WORKFLOWS

NAME = "Astrid Planterad"


@workflow.defn(sandboxed=False)
class Greets:
    """Answers with what it was told, or fails with it."""

    @workflow.run
    async def run(self, name: str, fails: bool) -> str:  # noqa: FBT001 - a workflow's own input
        """Return the name, or raise it."""
        if fails:
            raise ApplicationError(name, non_retryable=True)
        return name


@pytest.fixture
def keys(tmp_path: Path) -> FileKeyRing:
    """A key ring."""
    make_key_file(tmp_path / "keys.json")
    return FileKeyRing(tmp_path / "keys.json")


async def _run(client: Client, workflow_id: str, *, fails: bool) -> str:
    async with Worker(client, task_queue=workflow_id, workflows=[Greets]):
        return await client.execute_workflow(
            Greets.run, args=[NAME, fails], id=workflow_id, task_queue=workflow_id
        )


async def test_what_temporal_stores_is_encrypted(
    temporal: TemporalServer, keys: FileKeyRing
) -> None:
    """Input, result and the text of a failure are unreadable to a client without the keys."""
    client = await connect(make_plugin(keys), target_host=temporal.address)
    assert await _run(client, "greets", fails=False) == NAME
    with pytest.raises(WorkflowFailureError) as caught:
        await _run(client, "fails", fails=True)
    assert NAME in str(caught.value.cause)

    plain = await Client.connect(temporal.address)
    for workflow_id in ("greets", "fails"):
        history = await plain.get_workflow_handle(workflow_id).fetch_history()
        assert history.events[-1].event_type in {
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        }
        assert NAME not in history.to_json()
        assert all(NAME.encode() not in event.SerializeToString() for event in history.events)


async def test_nothing_of_ours_is_reloaded(keys: FileKeyRing) -> None:
    """All of ours passes into the sandbox on purpose: one identity of each class, a quick start."""
    runner = make_plugin(keys).workflow_runner(None)  # type: ignore[operator, misc]
    assert isinstance(runner, SandboxedWorkflowRunner)

    assert _reloaded(runner.restrictions) == set()
    assert "workflows.case" in _reloaded(SandboxRestrictions.default)  # the check can fail


def _reloaded(restrictions: SandboxRestrictions) -> set[str]:
    policy = SandboxImportNotificationPolicy.WARN_ON_UNINTENTIONAL_PASSTHROUGH
    watching = SandboxedWorkflowRunner(
        restrictions=restrictions.with_import_notification_policy(policy)
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for each in WORKFLOWS:
            watching.prepare_workflow(workflow._Definition.must_from_class(each))
    return {str(warning.message).split()[1] for warning in caught}


async def test_the_environment_says_where_to_connect(
    temporal: TemporalServer, keys: FileKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TEMPORAL_ADDRESS` and `TEMPORAL_NAMESPACE` are Temporal's own names and ours."""
    for name, value in temporal.environment().items():
        monkeypatch.setenv(name, value)

    client = await connect(make_plugin(keys))

    assert client.service_client.config.target_host == temporal.address
    assert client.namespace == "default"
