"""What every command of the command line takes, and how it is run."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from commands.context import Context, opened
from commands.showing import Screen
from records.lists import LARGEST_PAGE
from runtime.acting import StepRefusedError

Json = Annotated[bool, Parameter(name="--json", help="print data for programs")]
DataDir = Annotated[Path | None, Parameter(help="where the running stack keeps its data")]
As = Annotated[str, Parameter(name="--as", help="ROLE[:PERSON], in development")]
English = Annotated[bool, Parameter(name="--english", help="texts in English")]
Limit = Annotated[int, Parameter(validator=Number(gte=1, lte=LARGEST_PAGE))]


@Parameter(name="*")
@dataclass(frozen=True)
class ByPost:
    """What a case handler says of paper that came by post."""

    on_behalf_of: str | None = None
    """whose step it is"""
    basis: str | None = None
    """what it says so, for example a letter"""
    arrival_date: date | None = None
    """the day it reached the authority"""


def with_context(work: Callable[[Context], Awaitable[Any]], data_dir: Path | None = None) -> Any:
    """Do something with an open connection to the running stack."""

    async def run() -> Any:
        async with opened(data_dir) as context:
            try:
                return await work(context)
            except StepRefusedError as error:
                raise StepRefusedError(_with_stage(error.refusal, context)) from None

    return asyncio.run(run())


def _with_stage(refusal: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return a refusal whose text also says in words which stage it is."""
    if not refusal.get("stage"):
        return refusal
    stage, text = context.texts.label(context.texts.stages, refusal["stage"]), refusal["text"]
    said = {"sv": f"{text['sv']} Skede: {stage.sv}.", "en": f"{text['en']} Stage: {stage.en}."}
    return refusal | {"text": said}


def screen(context: Context, *, english: bool) -> Screen:
    """Return the screen of a language."""
    names = {dataset: each.name for dataset, each in context.policy.datasets.items()}
    return Screen(context.texts, "en" if english else "sv", names)
