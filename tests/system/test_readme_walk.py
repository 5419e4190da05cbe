"""The README's walk, typed as it stands: from application to a fetched key, and on from there."""

import asyncio
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import starter
from runtime.settings import ROOT
from runtime.stack import Stack
from runtime.stack_directory import FIXED_PORTS

STARTER = ".venv/bin/python starter.py "
NOTHING_YET = "reconcile --last"  # says that there has been none: a fresh stack has had no night
PATIENCE_SECONDS = 60  # "between two of them the program may need a second"


def _walk() -> list[str]:
    """Return the lines after `make up`, up to what a developer types."""
    text = (ROOT / "README.md").read_text("utf-8")
    walk = text.partition("## The first five minutes")[2].partition("### The developer")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", walk, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line != "make up"]


def _type(line: str, code: str) -> tuple[bool, str]:
    """Type one line; returns whether it went well, and what `$CODE` is then."""
    if line.startswith(STARTER):
        words = shlex.split(line.removeprefix(STARTER).replace("$CODE", code))
        return starter.run(words) == 0, code
    command = ["bash", "-o", "pipefail", "-c", f"{line} && echo $CODE"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout.strip() if line.startswith("CODE=") else code


@pytest.mark.timeout(300)
async def test_the_walk_is_as_the_readme_says(
    stack: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every line of it goes well in its order, each taken again as a person would."""
    (tmp_path / "forms").symlink_to(ROOT / "forms")
    (tmp_path / "var").mkdir()
    shutil.copytree(ROOT / "docs/examples", tmp_path / "docs/examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NGP_DATA_DIR", str(stack.data_dir))
    lines, code, said = _walk(), "", ""
    assert len(lines) >= 25
    for typed in lines:
        line = typed
        for name, port in FIXED_PORTS.items():
            line = line.replace(f"127.0.0.1:{port}", f"127.0.0.1:{stack.ports[name]}")
        deadline = time.monotonic() + PATIENCE_SECONDS
        is_done = False
        while not is_done:
            is_done, code = await asyncio.to_thread(_type, line, code)
            printed = capsys.readouterr()
            said += printed.out
            if typed.endswith(NOTHING_YET):
                is_done = is_done or "No reconciliation has been made yet" in printed.err
            assert is_done or time.monotonic() < deadline, f"{typed}\n{printed.err}"
            await asyncio.sleep(0 if is_done else 0.5)

    assert "consumer_secret" in said
    assert (tmp_path / "var/producentavtal.pdf").read_bytes().startswith(b"%PDF-")
    assert (tmp_path / "docs/examples/producers.report.csv").exists()
