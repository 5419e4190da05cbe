"""What holds for every command: data for programs, and a help text with an example."""

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

import starter

COMMANDS = sorted(name for name in starter.app if not name.startswith("-"))


def test_there_are_commands() -> None:
    """The rule below is held for all of them, those of `process.md` among them."""
    assert {"up", "demo", "open", "step", "form", "watch", "retry", "adopt"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_data_for_programs_and_an_example(command: str) -> None:
    """`--json` on everything, and in the help a line that can be typed as it stands."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = starter.run([command, "--help"])

    assert code == 0
    assert "--json" in said.getvalue()
    assert f"Example: starter.py {command}" in " ".join(said.getvalue().split())
