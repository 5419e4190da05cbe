"""What a person reads of a case: one screen, in plain words."""

from typing import Any

from rich.console import Console

from commands.context import print_json

screen = Console()


def print_result(result: dict[str, Any], *, json: bool) -> None:
    """Print what a demo counted."""
    if json:
        print_json(result)
        return
    for name, value in result.items():
        screen.print(f"{name:14} {value}")
