"""Records histories to be replayed in every run: `python -m tests.replay.record`.

Add new ones with every release; never record an old one again, and never edit one. They are
encrypted with the key beside them, which encrypts nothing else.
"""

import asyncio
import gzip
import tempfile
from pathlib import Path

from commands import rehearsals
from commands.reconciling import REF
from commands.scenarios import denied, standard, withdrawn
from records import cases
from tests.world import World, running_world

FOLDER = Path(__file__).parent / "histories"
KEYS = Path(__file__).parent / "keys.json"
RELEASE = "0.1.0"
ALL = ("onboarding", "agreement", "dataset", "permission", "credential", "person", "agent")
# What is kept of each play: the kinds of workflow in which it does something of its own.
PLAYS = {
    standard: ALL,
    withdrawn: ALL,
    denied: ALL,
    rehearsals.adding_dataset: ("dataset", "agreement"),
    rehearsals.agent: ("agent", "permission", "person"),
    rehearsals.departure: ("person", "agreement", "credential"),
    rehearsals.notice: ("agreement", "permission"),
    rehearsals.rotation: ("credential",),
    rehearsals.adopted: ("agreement", "dataset", "permission", "credential"),
}


async def _record(world: World, ref: str, name: str) -> None:
    history = await world.handle(ref).fetch_history()
    path = FOLDER / f"{RELEASE}-{name}-{ref.replace('/', '-')}.json.gz"
    text = history.to_json()
    await asyncio.to_thread(path.write_bytes, gzip.compress(text.encode(), mtime=0))


async def main() -> None:
    """Play the scenarios and keep the histories of all their workflows."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_world(Path(folder), keys_file=KEYS) as world:
            for play, kinds in PLAYS.items():
                demo = world.demo()
                await play(demo)
                if play is denied:
                    await world.forward(demo.ref, days=40)
                    await demo.stage("ended")
                for row in await cases.of_organisation(world.context.pool, demo.entry.org_number):
                    if row["workflow_id"].startswith(kinds):
                        await _record(world, row["workflow_id"], play.__name__)
            await rehearsals.reconciliation(world.demo())
            await _record(world, REF, "on-demand")


if __name__ == "__main__":
    asyncio.run(main())
