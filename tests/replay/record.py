"""Records histories to be replayed in every run: `python -m tests.replay.record`.

Add new ones with every release; never record an old one again, and never edit one. They are
encrypted with the key beside them, which encrypts nothing else.
"""

import asyncio
import gzip
import tempfile
from pathlib import Path

from commands.scenarios import denied, standard, withdrawn
from tests.world import World, running_world

FOLDER = Path(__file__).parent / "histories"
KEYS = Path(__file__).parent / "keys.json"
RELEASE = "0.1.0"


async def _record(world: World, ref: str, name: str) -> None:
    history = await world.handle(ref).fetch_history()
    path = FOLDER / f"{RELEASE}-{name}-{ref.partition('/')[0]}-{ref.rpartition('/')[2]}.json.gz"
    text = history.to_json()
    await asyncio.to_thread(path.write_bytes, gzip.compress(text.encode(), mtime=0))


async def main() -> None:
    """Play the scenarios and keep the histories of all their workflows."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_world(Path(folder), keys_file=KEYS) as world:
            for play in (standard, withdrawn, denied):
                demo = world.demo()
                await play(demo)
                if play is denied:
                    await world.forward(demo.ref, days=40)
                    await demo.stage("ended")
                view = await demo.view()
                person = view["details"]["contact"]["account_id"]
                parts = [part["workflow_id"] for part in view["parts"]]
                for ref in (demo.ref, f"person/{person}", *parts):
                    await _record(world, ref, play.__name__)


if __name__ == "__main__":
    asyncio.run(main())
