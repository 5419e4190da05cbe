"""Writes `docs/process.md`: the state diagram and the table of steps of every machine.

Run it with `python -m docs.diagrams` after a change in `domain/`; a test keeps the file fresh.
"""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from docs.exploring import BEFORE, Explorer, Found, Transition
from domain.machine import Machine
from worker import WORKFLOWS

PAGE = Path(__file__).parent / "process.md"
FROM_MANY = 3
HEAD = """<!-- Made by `python -m docs.diagrams`; do not edit. -->
# The process, drawn from the code

Each workflow is a pure state machine in `domain/`. This page was made by playing every machine:
from each situation that had not been met before, every example act, asked-for answer, word and
deadline was tried (`docs/exploring.py`). An arrow is a move that was seen; its label is what made
it. *follows* is a move that the machine makes by itself after another one. Words in `code` are
explained in [the glossary](glossary.md); each step is refused with a reason when it is not open.
A step that was open in no situation met here has – for its stages.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(_section(workflow) for workflow in WORKFLOWS)])


def _section(workflow: Any) -> str:
    machine: Machine[Any] = workflow.machine
    answers = {name: operation.answer for name, operation in workflow.operations.items()}
    found = Explorer(machine, answers).explore()
    purpose = (workflow.__doc__ or "").strip()
    parts = [f"## {machine.name}\n", purpose, "", *_diagram(machine, found)]
    return "\n".join([*parts, *_notes(machine, found), "", *_table(machine, found), ""])


def _from_many(found: Found) -> dict[tuple[str, str], list[str]]:
    """Return what leads from many stages to one: it is told below, not drawn."""
    sources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for move in found.transitions:
        sources[move.by, move.target].add(move.source)
    return {key: sorted(each) for key, each in sources.items() if len(each) >= FROM_MANY}


def _diagram(machine: Machine[Any], found: Found) -> list[str]:
    order = {BEFORE: -1} | {stage: number for number, stage in enumerate(machine.stages)}
    many = _from_many(found)
    drawn: dict[tuple[str, str], list[str]] = defaultdict(list)
    for move in sorted(found.transitions, key=_by_label):
        if (move.by, move.target) not in many:
            drawn[move.source, move.target].append(move.by)
    arrows = sorted(drawn.items(), key=lambda each: (order[each[0][0]], order[each[0][1]]))
    lines = [f"    {start} --> {end}: {', '.join(by)}" for (start, end), by in arrows]
    return ["```mermaid", "stateDiagram-v2", *lines, f"    ended --> {BEFORE}", "```", ""]


def _by_label(move: Transition) -> str:
    return move.by


def _notes(machine: Machine[Any], found: Found) -> list[str]:
    lines = [
        f"- `{by}` leads to `{target}` from {', '.join(f'`{each}`' for each in sources)}."
        for (by, target), sources in sorted(_from_many(found).items())
    ]
    met = {stage for move in found.transitions for stage in (move.source, move.target)}
    missing = [f"`{stage}`" for stage in machine.stages if stage not in met]
    if missing:
        lines.append(f"- Nothing leads to {', '.join(missing)} yet.")
    return lines


def _table(machine: Machine[Any], found: Found) -> list[str]:
    lines = [
        "| step | who | open in | på svenska | in English |",
        "| --- | --- | --- | --- | --- |",
    ]
    steps = (machine.opening, *machine.steps) if machine.opening else machine.steps
    for step in steps:
        who = ", ".join(sorted(step.who))
        stages = [each for each in machine.stages if step.name in found.open_in.get(each, ())]
        where = ", ".join(stages) or "–"
        where = "(opens it)" if step is machine.opening else where
        lines.append(f"| `{step.name}` | {who} | {where} | {step.help.sv} | {step.help.en} |")
    return lines


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")
    sys.stderr.write(f"{PAGE.name} written\n")


if __name__ == "__main__":
    main()
