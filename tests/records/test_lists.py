from datetime import date, timedelta
from typing import Any, get_args

import asyncpg
import pytest

from records import incidents
from records.cases import record
from records.errors import BadCursorError
from records.lists import Filter, Sort, list_cases, with_waits_of_parts
from records.swedish import sort_key
from tests.records.recording import NOON, ORG, batch, line, waiting

NAMES = ["Ödeshögs kommun", "Åre kommun", "Älvkarleby kommun", "Ale kommun", "Växjö kommun"]


async def _record_some(pool: asyncpg.Pool, how_many: int = 23) -> None:
    for n in range(how_many):
        wait = waiting(
            "producer" if n % 2 else "case_handler",
            since=NOON + timedelta(hours=n % 5),
            due=f"2026-04-{1 + n % 7:02d}" if n % 3 else None,
        )
        organisation = {"org_number": f"212000-{n:04d}", "name": NAMES[n % len(NAMES)]}
        opened = (NOON + timedelta(days=n % 4)).isoformat()
        changes: dict[str, Any] = {"organisation": organisation, "opened_at": opened, **wait}
        wanted = batch(line(1), workflow_id=f"onboarding/{n}", series="NGP2026", **changes)
        await record(pool, wanted)


async def _pages(pool: asyncpg.Pool, wanted: Filter) -> list[list[dict[str, Any]]]:
    pages = []
    while True:
        page = await list_cases(pool, wanted)
        pages.append(page.rows)
        if page.cursor is None:
            return pages
        wanted = wanted.model_copy(update={"cursor": page.cursor})


async def _ids(pool: asyncpg.Pool, **wanted: Any) -> set[str]:
    page = await list_cases(pool, Filter(**wanted))
    return {row["workflow_id"] for row in page.rows}


@pytest.mark.parametrize("sort", get_args(Sort))
async def test_paging_shows_each_row_once_in_every_order(pool: asyncpg.Pool, sort: Sort) -> None:
    """Pages of five, with equal and missing keys among them, are the whole list in its order."""
    await _record_some(pool)

    whole = (await list_cases(pool, Filter(sort=sort))).rows
    pages = await _pages(pool, Filter(sort=sort, limit=5))

    assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
    assert [row["chain_id"] for page in pages for row in page] == [r["chain_id"] for r in whole]
    assert len({row["chain_id"] for row in whole}) == 23


async def test_paging_is_stable_while_cases_are_added(pool: asyncpg.Pool) -> None:
    """A case that is opened between two pages moves no other across the border."""
    await _record_some(pool, 10)
    first = await list_cases(pool, Filter(sort="number", limit=4))

    early = (NOON - timedelta(days=9)).isoformat()
    await record(pool, batch(line(1), workflow_id="a", series="NGP2025", opened_at=early))
    second = await list_cases(pool, Filter(sort="number", limit=50, cursor=first.cursor))

    numbers = [row["number"] for row in first.rows + second.rows]
    assert numbers == [f"NGP2026-{n:06d}" for n in range(1, 11)]


async def test_orders_are_what_they_say(pool: asyncpg.Pool) -> None:
    """Due days first to last and back, those without one last in both; names in Swedish."""
    await _record_some(pool)

    rising = [row["waiting_due"] for row in (await list_cases(pool, Filter(sort="due"))).rows]
    falling = [row["waiting_due"] for row in (await list_cases(pool, Filter(sort="-due"))).rows]
    names = [
        row["organisation"] for row in (await list_cases(pool, Filter(sort="organisation"))).rows
    ]

    days = [day for day in rising if day]
    assert days == sorted(days)
    assert [day for day in falling if day] == sorted(days, reverse=True)
    assert rising[-8:] == falling[-8:] == [None] * 8
    assert list(dict.fromkeys(names)) == [NAMES[i] for i in (3, 4, 1, 2, 0)]


async def test_each_filter_narrows(pool: asyncpg.Pool) -> None:
    """Type, stage, handler, organisation, party and day each leave the others out."""
    await record(pool, batch(line(1), workflow_id="plain"))
    special = {
        "type": "DatasetConnection",
        "stage": "review",
        "handler": "hanna",
        "organisation": {"org_number": "202100-4888", "name": "Lantmäteriet"},
        **waiting("decider", due="2026-03-31"),
    }
    await record(pool, batch(line(1), workflow_id="special", **special))
    narrow: list[dict[str, Any]] = [
        {"type": "DatasetConnection"},
        {"stage": "review"},
        {"handler": "hanna"},
        {"organisation": "202100-4888"},
        {"waiting_on": "decider"},
        {"due_before": date(2026, 4, 1)},
    ]

    for wanted in narrow:
        assert await _ids(pool, **wanted) == {"special"}, wanted
    assert await _ids(pool, due_before=date(2026, 3, 31)) == set()
    assert await _ids(pool, organisation=ORG) == {"plain"}


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("mölndal", True),
        ("KOMMUN mölndals", True),
        ("212000-1363", True),
        ("2120001363", True),
        ("ngp2026-000001", True),
        ("LM2026/012345", True),
        ("mölndal falun", False),
        ("%", False),
        ("_", False),
        ("'", False),
    ],
)
async def test_words_are_found_as_typed(pool: asyncpg.Pool, q: str, *, found: bool) -> None:
    """All words must be there, in any order and case; signs mean themselves."""
    await record(pool, batch(line(1), series="NGP2026", registry_number="LM2026/012345"))

    assert bool(await _ids(pool, q=q)) is found


async def test_ended_ones_and_entities_are_listed_when_asked_for(pool: asyncpg.Pool) -> None:
    """By default a list shows open cases."""
    await record(pool, batch(line(1), workflow_id="open"))
    await record(pool, batch(line(1), workflow_id="over", ended_at=NOON.isoformat()))
    await record(pool, batch(line(1), workflow_id="entity", kind="entity"))

    assert await _ids(pool) == {"open"}
    assert await _ids(pool, ended=True) == {"open", "over"}
    assert await _ids(pool, kind=None) == {"open", "entity"}
    assert await _ids(pool, kind="entity") == {"entity"}


async def test_a_case_is_found_by_what_its_parts_wait_on(pool: asyncpg.Pool) -> None:
    """A party that a part waits on, and an incident of a part, lead to the case."""
    await record(pool, batch(line(1), workflow_id="case", series="NGP2026"))
    await record(pool, batch(line(1), workflow_id="other", series="NGP2026"))
    part = {"case_number": "NGP2026-000001", **waiting("api_portal")}
    pending = [{"key": "issue_key"}]
    await record(
        pool, batch(line(1), workflow_id="credential/1", kind="entity", pending=pending, **part)
    )
    assert await _ids(pool, waiting_on="api_portal") == {"case"}
    assert await _ids(pool, incident=True) == set()

    for operation in ("issue_key", "long_forgotten"):
        await incidents.failed(
            pool,
            workflow_id="credential/1" if operation == "issue_key" else "other",
            operation=operation,
            system="portal_production",
            status=403,
            said="no",
            unmendable=True,
            now=NOON,
            next_try_at=NOON,
        )

    assert await _ids(pool, incident=True) == {"case"}


async def test_a_case_whose_parts_alone_are_awaited_says_so(pool: asyncpg.Pool) -> None:
    """The party to show first, then the longest wait; parts that ended are not awaited."""
    for case in ("case", "own", "nobody"):
        own = waiting("decider") if case == "own" else {}
        await record(pool, batch(line(1), workflow_id=case, series="NGP2026", **own))
    parts: list[tuple[str, str, dict[str, Any]]] = [
        ("dataset", "case", waiting("api_portal")),
        ("late", "dataset", waiting("producer", since=NOON + timedelta(hours=1))),
        ("early", "dataset", waiting("producer", due="2026-04-01")),
        ("over", "case", waiting("producer", since=NOON - timedelta(hours=1))),
        ("below own", "own", waiting("producer")),
    ]
    for name, owner, wait in parts:
        ended = {"ended_at": NOON.isoformat()} if name == "over" else {}
        part = batch(line(1), workflow_id=name, kind="entity", owner=owner, **wait, **ended)
        await record(pool, part)

    rows = await with_waits_of_parts(pool, (await list_cases(pool, Filter())).rows)

    said = {row["workflow_id"]: (row["waiting_on"], row["waiting_due"]) for row in rows}
    assert said == {
        "case": ("producer", date(2026, 4, 1)),
        "own": ("decider", None),
        "nobody": (None, None),
    }


@pytest.mark.parametrize("cursor", ["", "x", "!", "bnVsbA", "WzEsMl0", "e30", "å" * 9])
async def test_a_made_up_cursor_is_refused(pool: asyncpg.Pool, cursor: str) -> None:
    """What is no cursor of ours is an error of its own."""
    with pytest.raises(BadCursorError):
        await list_cases(pool, Filter(cursor=cursor))


async def test_a_cursor_of_another_order_is_refused(pool: asyncpg.Pool) -> None:
    """A cursor goes with the order it came from."""
    await _record_some(pool, 3)
    page = await list_cases(pool, Filter(sort="due", limit=1))

    with pytest.raises(BadCursorError):
        await list_cases(pool, Filter(sort="number", cursor=page.cursor))


def test_swedish_order() -> None:
    """Z comes before å, ä, ö; accents do not count; v and w are two letters."""
    names = ["zebra", "åre", "ärla", "öre", "eda", "Éda", "vara", "wara", "Über", "ål", "al"]

    wanted = ["al", "eda", "Éda", "Über", "vara", "wara", "zebra", "ål", "åre", "ärla", "öre"]
    ordered = sorted(names, key=sort_key)
    assert ordered[:3] == wanted[:3]
    assert [name for name in ordered if name != "Über"] == [n for n in wanted if n != "Über"]
    assert ordered.index("wara") < ordered.index("Über") < ordered.index("zebra")
