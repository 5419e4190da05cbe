"""Workflows of every release are replayed by today's code: an open case must be able to go on."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from records.keys import FileKeyRing
from runtime.temporal import make_plugin
from tests.replay.record import FOLDER, KEYS
from worker import WORKFLOWS

STARTED = "workflowExecutionStartedEventAttributes"
HISTORIES = sorted(FOLDER.glob("*.json.gz"))


def _read(path: Path) -> WorkflowHistory:
    events = json.loads(gzip.decompress(path.read_bytes()))
    started = events["events"][0][STARTED]
    return WorkflowHistory.from_json(started["workflowId"], events)


def test_there_are_histories_of_every_workflow() -> None:
    """Each type of workflow is among the recorded ones."""
    kinds = {
        str(
            json.loads(gzip.decompress(path.read_bytes()))["events"][0][STARTED]["workflowType"][
                "name"
            ]
        )
        for path in HISTORIES
    }

    assert {machine.__name__ for machine in WORKFLOWS} == kinds


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.name)
async def test_a_recorded_history_is_replayed(path: Path) -> None:
    """Today's code makes the same commands as the code that ran then."""
    replayer = Replayer(workflows=WORKFLOWS, plugins=[make_plugin(FileKeyRing(KEYS))])

    await replayer.replay_workflow(_read(path))


@workflow.defn(name="ProducerOnboarding", sandboxed=False)
class Changed:
    """An onboarding whose code was changed without care: it sleeps first."""

    @workflow.run
    async def run(self, start: Any) -> None:
        """Sleep, which the recorded code did not."""
        del start
        await workflow.sleep(1)


async def test_a_deliberate_break_is_caught() -> None:
    """Code that makes other commands fails the replay: the check can fail."""
    path = next(path for path in HISTORIES if "standard-onboarding" in path.name)
    replayer = Replayer(
        workflows=[Changed],
        plugins=[make_plugin(FileKeyRing(KEYS))],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )

    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(_read(path))
