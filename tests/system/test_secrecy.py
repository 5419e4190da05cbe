"""Nothing lies readable where it should not: names, addresses, texts, and every secret."""

import subprocess
from pathlib import Path

import httpx
import pytest

from adapters.organisation_registers import OrganisationRegisters
from commands.context import opened
from commands.demo import Demo
from commands.scenarios import standard
from runtime.postgres import binaries
from runtime.settings import ROOT
from runtime.stack import DATABASE, Stack

PLANTED = "Zaphodina"
PLANTED_TEXT = "quetzalkoatlus"


def _files_with(folder: Path, needle: str) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return [
        path.relative_to(folder).as_posix()
        for path in files
        if needle.encode() in path.read_bytes()
    ]


@pytest.mark.timeout(300)
async def test_nothing_that_was_planted_lies_readable(stack: Stack) -> None:
    """A planted name, a planted text and every secret ever issued are found nowhere outside."""
    assert stack.postgres is not None
    addresses = {name: address for name, address in stack.addresses().items() if address}
    async with opened(stack.data_dir) as context:
        entry = OrganisationRegisters(ROOT / "data").look_up("212000-2890")
        assert entry is not None
        demo = Demo(context, entry, addresses, local_part=f"{PLANTED}.planted")
        assert await standard(demo)
        note = {"text": PLANTED_TEXT, "visibility": "internal"}
        ref = demo.part("permission", entry.org_number)
        await demo.act("case_handler", "note", note, ref)
        async with httpx.AsyncClient() as http:
            metrics = (await http.get(f"http://127.0.0.1:{stack.ports['metrics']}/metrics")).text
            issued: list[str] = []
            for portal in ("portal_verification", "portal_production"):
                issued += (await http.get(f"{addresses[portal]}/_control/secrets")).json()
            mails = (await http.get(f"{addresses['mail']}/messages")).json()

    dump = subprocess.run(  # noqa: ASYNC221 - nothing else runs
        [binaries() / "pg_dump", "--dbname", stack.postgres.dsn(DATABASE)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert issued
    for secret in issued:
        assert secret not in dump
        assert secret not in metrics
        assert all(secret not in mail["text"] for mail in mails)
        for part in ("temporal", "logs"):
            assert [] == _files_with(stack.data_dir / part, secret)
    for planted in (PLANTED, PLANTED_TEXT):
        assert planted not in metrics
        assert all(planted not in mail["text"] + mail["subject"] for mail in mails)
        for part in ("temporal", "logs"):
            assert [] == _files_with(stack.data_dir / part, planted)
