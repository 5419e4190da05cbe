"""The README says only what is there: every command in it exists, every default is so."""

import io
import json
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from hashlib import sha256
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

import starter
from domain.onboarding import MACHINE
from domain.onboarding_state import OnboardingState
from runtime.settings import Settings, StackSettings
from runtime.stack_directory import FIXED_PORTS
from runtime.temporal_source import VERSION
from tests.domain.playing import (
    CONTACT,
    DECIDER,
    HANDLER,
    NOON,
    SIGNATORY,
    Play,
)

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
BLOCKS = re.findall(
    r"^```(?:sh|text)\n(.*?)^```", README + "\n" + RUNBOOK, re.MULTILINE | re.DOTALL
)
KNOWN_AS_TEXT = ("make ", ".venv/bin/python ", "docker ", "curl ", "CODE=")
COMMANDS = [
    line for block in BLOCKS for line in block.splitlines() if line.startswith(KNOWN_AS_TEXT)
]
STARTER = ".venv/bin/python starter.py "
ORG_NUMBER = "212000-2783"
FILE = r"[\w/.-]+\.(?:csv|env|json|md|pdf|py|yml)"


def test_there_are_commands_and_all_are_of_a_known_form() -> None:
    """Every line of a block of commands is one that the tests here look at."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]

    assert lines
    assert [line for line in lines if line not in COMMANDS] == []


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_targets_exist(command: str) -> None:
    """A target named in the README is in the Makefile, with its help."""
    target = command.split()[1]

    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("command", sorted({c for c in COMMANDS if c.startswith(STARTER)}))
def test_commands_of_the_starter_exist(command: str) -> None:
    """A command has a help text, and every option that the README gives it stands there."""
    words = shlex.split(command.removeprefix(STARTER))
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = starter.run([words[0], "--help"])

    assert code == 0
    options = [word for word in words[1:] if word.startswith("--")]
    assert [option for option in options if option not in said.getvalue()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_files_named_in_commands_exist(command: str) -> None:
    """What a command reads is in the repository."""
    words = [word for word in command.split() if re.fullmatch(FILE, word)]
    written = {"var/producentavtal.pdf"}

    assert [w for w in words if not (ROOT / w).exists() and w not in written | {"starter.py"}] == []


def test_ports_and_versions_are_those_of_the_stack() -> None:
    """Addresses in the README are where `up` listens."""
    ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", README)}

    assert ports <= set(FIXED_PORTS.values())
    assert set(re.findall(r"(?:server|version) (\d+\.\d+\.\d+)", README)) == {VERSION}


def _told_settings() -> dict[str, str]:
    """Return the defaults that the table of settings tells, by the variable's name."""
    told: dict[str, str] = {}
    for row in re.findall(r"^\| (`[A-Z].*?) \| (.*?) \| ", README, re.MULTILINE):
        names, defaults = (cell.replace("`", "").split(", ") for cell in row)
        system = names[0].removesuffix("_URL")
        each = defaults * len(names) if len(defaults) == 1 else defaults
        told |= zip((name.replace("…", system) for name in names), each, strict=False)
    return told


def _default(model: type[BaseSettings], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    default = "none" if field.default is None else field.default
    return str(default.relative_to(ROOT) if isinstance(default, Path) else default)


def test_every_setting_is_explained() -> None:
    """The table of settings names every variable that the programs read, with its default."""
    told = _told_settings()
    wrong = []
    for model in (Settings, StackSettings):
        for name in model.model_fields:
            variable = f"{model.model_config.get('env_prefix', '')}{name}".upper()
            said = told.get(variable, "").partition(" (")[0].rstrip("/")
            default = _default(model, name)
            if said != default and not (said.endswith("…") and default.startswith(said[:-1])):
                wrong.append(f"{variable}: {default}, not {said or 'told'}")

    assert wrong == []


def test_the_walk_through_the_examples_reaches_the_datasets() -> None:
    """The example files of the README take an application all the way to the data sets."""

    def example(name: str) -> dict[str, object]:
        return dict(json.loads((ROOT / "docs/examples" / name).read_text("utf-8")))

    contact = CONTACT.model_copy(
        update={"subject": "anna.lind@kiruna.example", "organisation": ORG_NUMBER}
    )
    play: Play[OnboardingState] = Play(MACHINE, f"onboarding/{ORG_NUMBER}", NOON)
    play.take("apply", contact, example("application.json"))
    play.answer("organisation_looked_up", name="Kiruna kommun", kind="municipality")
    play.answer("organisation_found", account_id="org-1")
    account = {"role": "contact", "account_id": "acc-1", "login_name": "annalind", "active": True}
    play.answer("person_found", email=contact.subject, **account)
    play.take("submit_agreement", contact, example("agreement.json"))
    play.take("accept_agreement", HANDLER, example("checklist.json"))
    play.take("propose_decision", HANDLER, example("proposal.json"))
    play.take("decide", DECIDER, {"reasons": "Enligt förslaget."})
    play.take("countersign_agreement", SIGNATORY, {"kind": "producer"})
    play.answer("agreement_registered", kind="producer")

    assert play.state.stage == "datasets"


def test_the_example_agreement_is_the_form_that_the_walk_stores() -> None:
    """A document's id is the SHA-256 of its content, so the example can name it beforehand."""
    signed = json.loads((ROOT / "docs/examples/agreement.json").read_text("utf-8"))["signed"]

    assert signed == sha256((ROOT / "forms/producentavtal.pdf").read_bytes()).hexdigest()
