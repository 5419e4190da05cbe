"""The command line against the whole stack: the demo, and a tired case handler's day."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from runtime.stack import Stack
from tests.system.conftest import begin, starter

ONE_EACH = {"verification": 1, "production": 1}
NONE = {"verification": 0, "production": 0}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("organisation", "scenario", "outcome"),
    [
        ("212000-0126", "standard", "connected"),
        ("202100-4888", "standard", "connected"),
        ("212000-2346", "denied", "denied"),
        ("212000-2353", "returned-agreement", "connected"),
        ("212000-2361", "scanned", "connected"),
        ("212000-2379", "withdrawn", "withdrawn"),
    ],
)
async def test_the_demo_ends_with_one_line_of_what_it_counted(
    stack: Stack, organisation: str, scenario: str, outcome: str
) -> None:
    """A municipality and an agency, and the other endings: what is at the portals, one object."""
    command = ("demo", "--scenario", scenario, "--organisation", organisation, "--json")
    done = await starter(*command, data_dir=stack.data_dir)
    result: Any = done.last

    assert 0 == done.code, done.err
    assert 1 == len(done.out.strip().splitlines())
    assert (organisation, outcome) == (result["organisation"], result["outcome"])
    is_connected = outcome == "connected"
    assert (ONE_EACH if is_connected else NONE) == result["applications"] == result["keys"]
    assert is_connected is result["token"]
    assert result["passed"] is True
    assert result["case"].startswith("NGP")
    assert isinstance(result["seconds"], float)
    assert result["seconds"] > 0
    assert "recorded" in _logged_about(result["case"], stack)


def _logged_about(number: str, stack: Stack) -> list[str]:
    """Return what the worker's log says about a case, by its number."""
    lines = (stack.data_dir / "logs" / "worker.log").read_text("utf-8").splitlines()
    said = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    return [line["event"] for line in said if line.get("case_number") == number]


async def test_a_scenario_that_does_not_exist_is_answered_with_those_that_do(stack: Stack) -> None:
    """A name that is misspelt costs nothing but a second look."""
    unknown = await starter("demo", "--scenario", "rotating", data_dir=stack.data_dir)
    assert 1 == unknown.code
    assert "rotation" in unknown.err


async def test_a_case_from_the_command_line_alone(stack: Stack, tmp_path: Path) -> None:
    """Open, list, show, fetch the form, refuse, forecast, watch until withdrawn: all by hand."""
    folder = stack.data_dir
    application = {
        "organisation": {"org_number": "212000-0803"},
        "contact": {"name": "Eva Ek", "email": "eva.ek@gotland.example"},
        "datasets": [
            {
                "dataset_id": "byggnad",
                "information_owner": {"name": "Ivar Ek", "email": "ivar@gotland.example"},
                "support_email": "geo@gotland.example",
                "personal_data": "none",
                "hosting": "data_host",
            }
        ],
    }
    path = tmp_path / "application.json"
    path.write_text(json.dumps(application), "utf-8")
    eva = "producer_contact:eva.ek@gotland.example"
    opened = await starter("open", "onboarding", "--data", str(path), "--as", eva, data_dir=folder)
    ref = "onboarding/212000-0803"
    assert ref == opened.out.strip(), opened.err

    again = await starter("open", "onboarding", "--data", str(path), "--as", eva, data_dir=folder)
    assert 1 == again.code
    assert "redan ett öppet ärende" in again.err

    listed = await starter("list", "--organisation", "212000-0803", data_dir=folder)
    assert "Region Gotland" in listed.out
    shown = await starter("show", ref, data_dir=folder)
    for part in ("Region Gotland", "Väntar på", "Kan göras nu", "Händer av sig självt"):
        assert part in shown.out
    english = await starter("show", ref, "--english", data_dir=folder)
    assert "Waits on" in english.out

    out = str(tmp_path / "form.pdf")
    form = await starter("form", ref, "producer", "--out", out, "--json", data_dir=folder)
    assert 0 == form.code, form.err
    assert {"path": out, "kind": "producer"} == form.last
    stored = await starter("document", ref, str(tmp_path / "form.pdf"), data_dir=folder)
    assert 64 == len(stored.out.strip())

    refused = await starter("step", ref, "decide", "--as", "decider", data_dir=folder)
    assert 1 == refused.code
    assert "decide" in refused.err
    forecast = await starter("forecast", ref, "--days", "60", "--json", data_dir=folder)
    assert isinstance(forecast.last, list)
    whole = await starter("verify", "--json", data_dir=folder)
    assert {"whole": True, "wrong": []} == whole.last

    watching = await begin("watch", ref, "--json", data_dir=folder)
    assert watching.stdout is not None
    assert "ended" != json.loads(await watching.stdout.readline())["stage"]
    withdrawn = await starter("step", ref, "withdraw", "--as", eva, "--json", data_dir=folder)
    assert 0 == withdrawn.code, withdrawn.err
    assert {"version", "stage", "waiting", "open_steps"} <= withdrawn.last.keys()  # type: ignore[attr-defined]
    watched, err = await asyncio.wait_for(watching.communicate(), 60)
    assert 0 == watching.returncode, err
    stages = [json.loads(line)["stage"] for line in watched.splitlines()]
    assert ["ended"] == [stage for stage in stages if stage == "ended"] == stages[-1:]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "tom"),
        (b"no pdf at all", "PDF"),
        (b"%PDF-1.7 damaged", "skadat"),
    ],
)
async def test_a_bad_document_is_refused_kindly(
    stack: Stack, tmp_path: Path, content: bytes, says: str
) -> None:
    """An empty, foreign or damaged file says what is wrong, and nothing is stored."""
    path = tmp_path / "fil.pdf"
    path.write_bytes(content)
    done = await starter("document", "onboarding/212000-0142", str(path), data_dir=stack.data_dir)

    assert 1 == done.code
    assert says in done.err
    assert "Traceback" not in done.err


@pytest.mark.timeout(240)
async def test_commands_end_cleanly_25_times_of_25(stack: Stack) -> None:
    """A finished command never dies on its way out: the exit code is right every time."""
    codes = [(await starter("list", data_dir=stack.data_dir)).code for _ in range(25)]

    assert [0] * 25 == codes


async def test_check_login_says_which_kind_and_exits_1_for_neither() -> None:
    """abcd1234 is a system account, a name without digits a personal one, else neither."""
    assert 0 == (await starter("check-login", "abcd1234")).code
    assert 0 == (await starter("check-login", "annalind")).code
    neither = await starter("check-login", "anna1")
    assert 1 == neither.code
    assert "varken" in neither.err


async def test_without_a_stack_a_command_says_how_to_start_one(tmp_path: Path) -> None:
    """A command that needs a running stack says so, without a stack trace."""
    done = await starter("list", data_dir=tmp_path)

    assert 1 == done.code
    assert "starter.py up" in done.err
    assert "Traceback" not in done.err


@pytest.mark.timeout(300)
async def test_an_import_reports_each_line_and_can_be_repeated(
    stack: Stack, tmp_path: Path
) -> None:
    """Each line opens a case or says why not; a second run opens nothing twice."""
    path = tmp_path / "in.csv"
    path.write_text(
        "org_number,contact_name,contact_email,dataset_id\n"
        "212000-0019,Anna Ek,anna@a.example,detaljplan\n"
        "212000-0027,Bo Ek,bo@b.example,detaljplan;byggnad\n"
        "212000-0143,Cia Ek,cia@c.example,detaljplan\n"
        "19811218-9876,Dan Ek,dan@d.example,detaljplan\n"
        "212000-0035,Eva Ek,fel,detaljplan\n",
        "utf-8",
    )
    first = await starter("import", str(path), "--json", data_dir=stack.data_dir)
    assert {"skipped": 0, "opened": 2, "refused": 3} == first.last
    report = (tmp_path / "in.report.csv").read_text("utf-8")
    assert "9876" not in report

    second = await starter("import", str(path), "--json", data_dir=stack.data_dir)
    assert {"skipped": 2, "refused": 3} == second.last

    path.write_text(path.read_text("utf-8").replace(",fel,", ",eva@e.example,"), "utf-8")
    third = await starter("import", str(path), "--json", data_dir=stack.data_dir)
    assert {"skipped": 2, "opened": 1, "refused": 2} == third.last
    lines = (tmp_path / "in.report.csv").read_text("utf-8").splitlines()[1:]
    assert sorted(line.partition(",")[0] for line in lines) == ["2", "3", "4", "5", "6"]
