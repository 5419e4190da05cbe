"""The read model against the truth: random acts, recorded as workflows do; `WALK_SEED` chooses."""

import os
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any

import asyncpg
import pytest

from activities.record import RecordInput, Records
from domain.machine import Act, content_of
from domain.machines import MACHINES
from domain.state import EntryKind
from domain.view import ORDER, is_listed_as_case, view
from records import cases, verification
from records.rebuilding import Truth, rebuild
from records.storable import storable
from tests.domain.playing import POLICY
from tests.domain.walking import Walk

SEED = int(os.environ.get("WALK_SEED") or SystemRandom().randrange(10**6))
ACTS = int(os.environ.get("WALK_ACTS") or 10_000)
LONGEST = 150


@dataclass
class Recorded:
    """A walk whose journal and view are recorded on the way, in batches, some of them twice."""

    walk: Walk
    chain_id: str
    records: Records
    kept: int = 0
    inputs: list[RecordInput] = field(default_factory=list)

    @property
    def is_case(self) -> bool:
        """Whether it counts as a case now."""
        return is_listed_as_case(self.walk.machine, self.walk.state)

    def view(self) -> dict[str, Any]:
        """Return the machine's own view."""
        return view(self.walk.machine, self.walk.state, self.walk.moment)

    async def step(self, rng: Random) -> None:
        """Let one thing happen, and perhaps be recorded, with a late twin of an earlier batch."""
        self.walk.step()
        if rng.random() < 0.5:
            await self.record()
        if self.inputs and rng.random() < 0.05:
            await self.records.record(rng.choice(self.inputs))

    async def record(self) -> None:
        """Record what is new; the case number comes back as an answer."""
        state, lines = self.walk.state, self.walk.journal[self.kept :]
        if not lines or not state.is_opened:
            return
        wanted = RecordInput(
            chain_id=self.chain_id,
            workflow_id=state.workflow_id,
            is_case=self.is_case,
            draws_number=self.walk.machine.draws_number(state),
            opened_at=state.opened_at,
            entries=lines,
            view=self.view(),
        )
        self.inputs.append(wanted)
        self.kept += len(lines)
        number = (await self.records.record(wanted)).number
        if number and state.number is None:
            content = content_of(self.walk.machine, "numbered", {"number": number})
            assert content is not None
            self.walk._apply(Act(EntryKind.ANSWER, "numbered", content))

    def columns(self) -> dict[str, Any]:
        """Return what the row must say, from the state itself."""
        state = self.walk.state
        order = sorted(state.waiting, key=lambda each: (ORDER.index(each.on), each.since))
        first = order[0] if order else None
        return {
            "workflow_id": state.workflow_id,
            "type": state.type,
            "kind": "case" if self.is_case else "entity",
            "stage": state.stage,
            "outcome": state.outcome,
            "org_number": state.org_number,
            "organisation": storable(state.organisation_name),
            "handler": state.handler,
            "owner": state.owner,
            "opened_at": state.opened_at,
            "ended_at": state.ended_at,
            "waiting_on": first.on if first else None,
            "waiting_since": first.since if first else None,
            "version": state.version,
            "updated_at": self.walk.journal[-1].at,
        }


async def _play(pool: asyncpg.Pool, rng: Random) -> list[Recorded]:
    """Play the machines side by side, wave after wave under the same workflow ids."""
    records = Records(pool, POLICY, "NGP")
    played: list[Recorded] = []
    while sum(len(each.walk.taken) for each in played) < ACTS:
        wave = [
            Recorded(Walk(machine, rng), f"{name}#{len(played)}", records)
            for name, machine in sorted(MACHINES.items())
        ]
        for _ in range(rng.randint(10, LONGEST) * len(wave)):
            await rng.choice(wave).step(rng)
        for each in wave:
            while each.kept < len(each.walk.journal) and each.walk.state.is_opened:
                await each.record()
        played += wave
    return [each for each in played if each.inputs]


async def _differences(pool: asyncpg.Pool, played: list[Recorded]) -> list[Any]:
    found: list[Any] = []
    rows = {row["chain_id"]: dict(row) for row in await pool.fetch("select * from cases")}
    for each in played:
        row = rows.pop(each.chain_id, {})
        wanted = each.columns()
        wanted["view"] = storable(each.view()) | {
            name: row.get(name) for name in ("number", "case_number")
        }
        found += [
            (each.chain_id, name, row.get(name), value)
            for name, value in wanted.items()
            if row.get(name) != value
        ]
    return found + list(rows)


@pytest.mark.timeout(240)
async def test_the_read_model_is_the_truth_after_random_acts_and_a_rebuild(
    pool: asyncpg.Pool,
) -> None:
    """Row by row it says what the machines say, whatever came twice; and so it does rebuilt."""
    print(f"WALK_SEED={SEED}")  # noqa: T201 - pytest shows it when the test fails
    played = await _play(pool, Random(f"{SEED}/read model"))  # noqa: S311 - repeatable
    by_chain = {each.chain_id: each for each in played}
    acts = sum(len(each.walk.taken) for each in played)
    ended = sum(each.walk.state.is_ended for each in played)
    print(f"{acts} acts, {len(played)} workflows, {ended} ended")  # noqa: T201

    assert [] == await _differences(pool, played)
    assert [] == await verification.verify(pool)
    counted = await pool.fetch("select chain_id, count(*) from journal group by chain_id")
    lines = {row["chain_id"]: row["count"] for row in counted}
    assert {name: len(each.walk.journal) for name, each in by_chain.items()} == lines

    async def ask(workflow_id: str, chain_id: str) -> Truth:
        told = by_chain[chain_id]
        assert told.walk.workflow_id == workflow_id
        return Truth(kind="case" if told.is_case else "entity", view=told.view())

    before = await pool.fetch("select * from cases order by chain_id")
    await cases.empty_read_model(pool)
    rebuilt = await rebuild(pool, ask)

    assert (ended, len(played) - ended) == (rebuilt.from_closing_views, rebuilt.from_workflows)
    assert before == await pool.fetch("select * from cases order by chain_id")
    assert [] == await _differences(pool, played)
