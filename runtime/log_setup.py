"""Logs: one JSON line an event on stderr, or plain lines at a terminal; no personal data."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor
from temporalio import workflow

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


def _renderers(*, for_people: bool) -> list[Processor]:
    if for_people:
        return [structlog.dev.ConsoleRenderer(colors=True)]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(default=repr, ensure_ascii=False),
    ]


def set_up_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Let structlog format the standard logger. Workflows and activities use their own loggers."""
    workflow.logger.workflow_info_on_message = False
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
                _drop_personal,
                *_renderers(for_people=output.isatty()),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
