"""The command line. Each command is a few lines here and a function in `commands/`.

Data go to stdout (`--json` for programs), everything else to stderr. Exit codes: 0 done, 1 not
done for a reason that is said, 2 wrong usage.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import App, Parameter

from commands.context import CommandError, say

T = TypeVar("T")
app = App(
    name="starter.py",
    help="Onboarding of producers to the national geodata platform.",
    version="0.1.0",
)
Json = Annotated[bool, Parameter(name="--json", help="print data for programs")]
DataDir = Annotated[Path | None, Parameter(help="where the stack keeps its data")]


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@app.command
def up(*, data_dir: DataDir = None, ports: str = "fixed", json: Json = False) -> None:
    """Run the whole stack in the foreground: Postgres, Temporal, outside world, worker.

    Example: starter.py up --ports auto
    """
    from commands import running  # noqa: PLC0415 - each command loads only what it needs

    _run(running.up(data_dir, auto_ports=ports == "auto", json=json))


@app.command
def prepare(*, new_key: str | None = None, json: Json = False) -> None:
    """Make a Postgres and a Temporal of your own ready: keys, migrations, search attributes.

    Example: starter.py prepare --new-key k2

    Args:
        new_key: add a key of this id and encrypt with it from now on
        json: print data for programs
    """
    from commands import preparing, showing  # noqa: PLC0415

    showing.print_result(_run(preparing.prepare(new_key)), json=json)


@app.command
def demo(
    *,
    scenario: str = "standard",
    organisation: str | None = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Play an onboarding from application to working key.

    Example: starter.py demo --scenario denied
    """
    from commands import running, showing  # noqa: PLC0415

    result = _run(running.demo(scenario, organisation, data_dir))
    showing.print_result(result, json=json)


def main() -> None:
    """Run one command and end cleanly."""
    logging.basicConfig(level=logging.WARNING)
    code = 0
    try:
        app()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except CommandError as error:
        say(str(error))
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    os._exit(code)  # the SDK's threads can abort an ordinary exit after the work is done


if __name__ == "__main__":
    main()
