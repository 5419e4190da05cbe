"""How late permissions are shut off that all end at the same midnight."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from benchmarks.connected import Right, connect, let_end, until_counted
from benchmarks.figure import Figure, percentile
from benchmarks.processes import cpu_ms
from benchmarks.simulated import fail, heal, held
from benchmarks.stage import Stage, say, stage

P99_BAR_SECONDS = 60
PERMISSIONS = 1000
OUTAGE_SECONDS = 60.0
# How far off midnight is when they stand: all must know it before, which is less than to stand.
AHEAD_SECONDS, AHEAD_SHARE = 5.0, 0.8
DOWN = "portal_production"
SHUT_OFF = """
    select workflow_id, max(at) as at from journal
    where name = $1 and kind = 'answer' group by workflow_id
"""
COUNT_OFF = "select count(distinct workflow_id) from journal where name = $1 and kind = 'answer'"
COUNT_ENDED = "select count(*) from cases where stage = 'ended'"


async def measure(scale: float) -> list[Figure]:
    """Let all end at one instant, once with everything well and once with a portal down."""
    count = max(round(PERMISSIONS * scale), 5)
    figures = await _midnight(count, "at midnight", timedelta())
    outage = timedelta(seconds=max(OUTAGE_SECONDS * min(scale, 1), 3))
    return figures + await _midnight(count, "after an outage at midnight", outage)


async def _midnight(count: int, when: str, outage: timedelta) -> list[Figure]:
    async with stage() as on:
        began = time.perf_counter()
        rights = await connect(on, count)
        ahead = AHEAD_SECONDS + AHEAD_SHARE * (time.perf_counter() - began)
        midnight = datetime.now(UTC) + timedelta(seconds=ahead)
        await let_end(on, rights, midnight)
        well = await _pass(on, midnight, outage)
        before = cpu_ms()
        await until_counted(on, COUNT_OFF, count, "off", "system_account_off")
        used = cpu_ms() - before
        await until_counted(on, COUNT_ENDED, 3 * count, "ended")
        await _assert_all_off(on, rights)
        accounts = await _late(on, "system_account_off", well)
        keys = await _late(on, "application_gone", well)
    say(f"  {when}: keys {percentile(keys, 99):.1f} s, accounts {percentile(accounts, 99):.1f} s")
    details: dict[str, object] = {
        "permissions": len(accounts),
        "applications": len(keys),
        "outage_seconds": outage.total_seconds(),
        "cpu_ms_each": {program: round(ms / count) for program, ms in used.most_common(6)},
        "keys_p50": round(percentile(keys, 50), 2),
        "keys_p99": round(percentile(keys, 99), 2),
        "last": round(max(accounts), 2),
    }
    return [
        Figure(f"off {when}, p50", percentile(accounts, 50), "s"),
        Figure(f"off {when}, p99", percentile(accounts, 99), "s", P99_BAR_SECONDS, details=details),
    ]


async def _pass(on: Stage, midnight: datetime, outage: timedelta) -> datetime:
    """Let midnight pass, in an outage unless that is of no length; returns when all was well."""
    if not outage:
        await _until(midnight)
        return midnight
    await _until(midnight - timedelta(seconds=2))
    await fail(on, DOWN)
    await _until(midnight + outage)
    await heal(on, DOWN)
    return datetime.now(UTC)


async def _until(instant: datetime) -> None:
    await asyncio.sleep(max((instant - datetime.now(UTC)).total_seconds(), 0))


async def _late(on: Stage, answer: str, well: datetime) -> list[float]:
    """Return how many seconds after `well` each workflow has heard an answer."""
    rows = await on.context.pool.fetch(SHUT_OFF, answer)
    return [max((row["at"] - well).total_seconds(), 0.0) for row in rows]


async def _assert_all_off(on: Stage, rights: list[Right]) -> None:
    """See at the outside systems that nothing is left: a figure of speed alone proves nothing."""
    accounts = {each.get("loginName"): each for each in await held(on, "account_system")}
    still_on = [each.ref for each in rights if accounts[each.login_name]["active"]]
    left = [
        each["name"]
        for portal in ("portal_verification", "portal_production")
        for each in (await held(on, portal))["applications"]
    ]
    if still_on or left:
        raise RuntimeError(f"{len(still_on)} accounts are on, {len(left)} applications are left")
