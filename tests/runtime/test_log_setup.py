import asyncio
import gc
import io
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from runtime.log_setup import set_up_logging

NAME = "Astrid Planterad"


class Terminal(io.StringIO):
    """A stream that people read."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def _logged(extra: dict[str, Any]) -> dict[str, Any]:
    stream = io.StringIO()
    set_up_logging("info", stream)
    logging.getLogger("cases").warning("registered", extra=extra)
    found: dict[str, Any] = json.loads(stream.getvalue())
    return found


def test_an_event_is_one_line_of_json() -> None:
    """It has its time in UTC, its level, its logger and what was given with it."""
    line = _logged({"case_number": "NGP 2026/1"})

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "registered",
        "level": "warning",
        "logger": "cases",
        "case_number": "NGP 2026/1",
    }


def test_personal_data_are_dropped_however_deep() -> None:
    """A field that is known to hold a person's data or a secret is never written."""
    contact = {"Email": "astrid@example.se", "role": "contact", "phones": [{"phone": "070"}]}

    line = _logged({"actor": NAME, "case": {"contact": contact}, "token": "t0k3n"})

    assert line["case"] == {"contact": {"role": "contact", "phones": [{}]}}
    assert not {"actor", "token"} & line.keys()


def test_an_object_that_json_does_not_know_is_no_obstacle() -> None:
    """It is written as its `repr`."""
    assert _logged({"queue": {1, 2}})["queue"] == "{1, 2}"


def test_what_the_core_of_the_sdk_says_is_a_line_like_others() -> None:
    """Its fields stand in the line, but for those that may be personal."""
    said = {"run_id": "r1", "payload": NAME}
    line = _logged({"temporal_log": SimpleNamespace(target="temporalio_sdk_core", fields=said)})

    assert line["core"] == {"target": "temporalio_sdk_core", "run_id": "r1"}
    assert "temporal_log" not in line


class RegisterError(Exception):
    """An error with words of its own that are fit to be read."""

    said = "404 no such agreement"


def _fail(consumer_secret: str) -> None:
    try:
        int(consumer_secret)
    except ValueError as error:
        raise RegisterError(NAME) from error


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_an_error_is_told_by_kinds_and_places_alone(stream: io.StringIO) -> None:
    """Its chain is in the line, no text of it but what was made to be read, and no variable."""
    set_up_logging("INFO", stream)
    try:
        _fail("h3ml1g")
    except RegisterError:
        logging.getLogger().exception("failed")

    line = stream.getvalue()
    for part in ("RegisterError: 404 no such agreement", "test_log_setup.py:", "ValueError"):
        assert part in line
    assert NAME not in line
    assert "h3ml1g" not in line


def test_every_error_of_a_group_is_told() -> None:
    """Each by its kind, and the group's own text is as hidden as theirs."""
    stream = io.StringIO()
    set_up_logging("INFO", stream)
    group = ExceptionGroup(NAME, [ValueError(NAME), KeyError(NAME)])
    logging.getLogger().error("failed", exc_info=group)

    line = json.loads(stream.getvalue())
    assert line["exception"].split() == [
        "builtins.ExceptionGroup",
        *("from", "builtins.ValueError"),
        *("from", "builtins.KeyError"),
    ]
    assert NAME not in stream.getvalue()


async def test_a_task_that_nobody_waited_for_is_told_without_its_text() -> None:
    """The event loop shows the task with its error; the line has that error's kind and place."""
    stream = io.StringIO()
    set_up_logging("INFO", stream)
    asyncio.get_running_loop().create_task(_alone())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()

    line = json.loads(stream.getvalue())
    assert line["event"] == "Task exception was never retrieved"
    assert "builtins.ValueError" in line["exception"]
    assert NAME not in stream.getvalue()


async def _alone() -> None:
    raise ValueError(NAME)


def test_people_get_plain_lines() -> None:
    """At a terminal nobody has to read JSON; personal data are dropped all the same."""
    stream = Terminal()
    set_up_logging("INFO", stream)
    logging.getLogger("cases").warning("registered", extra={"actor": NAME})

    assert "registered" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
    assert NAME not in stream.getvalue()
