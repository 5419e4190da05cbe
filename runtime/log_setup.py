"""Logs: one JSON line an event on stderr, without personal data or secrets."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from temporalio import workflow

PERSONAL = frozenset(
    {"name", "email", "phone", "subject", "payload", "secret", "token", "password", "actor", "text"}
)
QUIET = ("httpx", "httpcore", "pypdf", "asyncio")


def _drop_personal(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    del logger, method
    return {key: value for key, value in event.items() if key not in PERSONAL}


def set_up_logging(level: str = "INFO") -> None:
    """Let structlog format the standard logger. Workflows and activities use their own loggers."""
    workflow.logger.workflow_info_on_message = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _drop_personal,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(default=repr, ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
