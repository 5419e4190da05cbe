"""Logs: one JSON line an event on stderr, or plain lines at a terminal; no personal data."""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import Processor
from temporalio import activity, workflow

PERSONAL = frozenset(
    {
        "name",
        "email",
        "phone",
        "subject",
        "payload",
        "secret",
        "token",
        "password",
        "actor",
        "text",
        "authorization",
        "dsn",
        "personal_number",
    }
)
QUIET = ("httpx", "httpcore", "asyncio")  # pypdf is silenced where it is used


def _without_personal(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if str(key).lower() not in PERSONAL}
        return {key: _without_personal(each) for key, each in kept.items()}
    if isinstance(value, list | tuple):
        return [_without_personal(each) for each in value]
    return value


def _drop_personal(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    del logger, method
    kept: MutableMapping[str, Any] = _without_personal(dict(event))
    return kept


def _with_fields_of_core(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Let a line that the SDK's core has sent carry its fields, not the object that holds them."""
    del logger, method
    entry = event.pop("temporal_log", None)
    if entry is not None:
        event["core"] = {"target": entry.target, **entry.fields}
    return event


def _without_repr_of_tasks(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Let asyncio say what happened, not show the task with its error: that is told beside it."""
    del logger, method
    if event.get("logger") == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


Raised = tuple[type[BaseException], BaseException, TracebackType | None]


def _told(exc_info: Raised) -> str:
    """Tell an error by kinds and places, newest first, each with what led to it.

    Never by its text: that may name a person or hold a row of the database. An error may have
    `said`, which is without personal data (adapters/outside.py).
    """
    return "\nfrom ".join(_told_alone(error) for error in _chain(exc_info[1], set()))


def _chain(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _chain(each, seen)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _told_alone(error: BaseException) -> str:
    kind, said = type(error), getattr(error, "said", None)
    title = f"{kind.__module__}.{kind.__qualname__}" + (f": {said}" if said else "")
    places = [
        f"  {frame.f_code.co_filename}:{line}:{frame.f_code.co_qualname}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return "\n".join([title, *reversed(places)])


def _renderer(*, for_people: bool) -> Processor:
    if for_people:
        # Errors are told already; its own way with them shows the values of local variables.
        plain = structlog.dev.plain_traceback
        return structlog.dev.ConsoleRenderer(colors=True, exception_formatter=plain)
    return structlog.processors.JSONRenderer(default=repr, ensure_ascii=False)


def set_up_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Let structlog format the standard logger. Workflows and activities use their own loggers."""
    workflow.logger.workflow_info_on_message = False  # they are fields of the line
    activity.logger.activity_info_on_message = False
    output = stream or sys.stderr
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _with_fields_of_core,
                _without_repr_of_tasks,
                structlog.processors.ExceptionRenderer(_told),
                _drop_personal,
                _renderer(for_people=output.isatty()),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
