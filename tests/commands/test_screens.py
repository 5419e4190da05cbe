"""What a person reads on the screen: words for codes, nothing cut, in both languages."""

import re
from io import StringIO
from typing import Any

import pytest
import yaml
from rich.console import Console

from commands.showing import Screen
from domain.machines import MACHINES
from domain.texts import Texts
from domain.view import forecast, view
from tests.domain import parts, playing
from tests.domain.playing import CONTACT, DECIDER, HANDLER, NOON, POLICY, ROOT, Play

TEXTS = Texts.model_validate(yaml.safe_load((ROOT / "policy/texts.yaml").read_text("utf-8")))
NAMES = {dataset: each.name for dataset, each in POLICY.datasets.items()}
KEY = parts.key_ref("verification")
WIDTHS = (80, 120)


def _screen(language: str = "sv", width: int = 80) -> tuple[Screen, StringIO]:
    screen, written = Screen(TEXTS, language, NAMES), StringIO()
    screen.console = Console(file=written, width=width, highlight=False)
    return screen, written


def _joined(play: Play[Any], *below: Play[Any]) -> dict[str, Any]:
    """Return a view as the records join it with its parts."""
    shown = view(play.machine, play.state, play.moment)
    under = [view(each.machine, each.state, each.moment) for each in below]
    shown["open_steps_below"] = [
        {"ref": each["ref"], **step} for each in under for step in each["open_steps"]
    ]
    shown["waits"] += [wait | {"ref": each["ref"]} for each in under for wait in each["waits"]]
    names = ("type", "stage", "outcome")
    shown["parts"] = [{"workflow_id": e["ref"], **{n: e[n] for n in names}} for e in under]
    document = {"kind": "agreement", "file_name": "avtal.pdf", "document_id": "a1" * 32}
    return shown | {"incidents": [], "documents": [document]}


def _shown(play: Play[Any], *below: Play[Any], language: str = "sv", width: int = 80) -> str:
    screen, written = _screen(language, width)
    screen.case(_joined(play, *below))
    return written.getvalue()


def _plays() -> dict[str, Play[Any]]:
    leaving = parts.enrolled_person(active=True)
    leaving.take("schedule_departure", CONTACT, {"last_day": "2026-03-31"})
    under_notice = parts.agreement_in_force("producer", "processing")
    notice = {"last_day": "2026-06-30", "reason": "Vi byter plattform."}
    under_notice.take("give_notice", DECIDER, notice)
    run: Play[Any] = Play(MACHINES["AccessReconciliation"], "reconciliation/on-demand")
    run.state.opened_at, run.state.stage, run.state.granted = NOON, "pause", 38
    at_review = playing.at_review()
    at_review.take("propose_decision", HANDLER, playing.proposal())
    return {
        "reconciliation": run,
        "review": at_review,
        "permission": parts.active_permission(),
        "offered": parts.offered_credential(),
        "live": parts.live_credential(),
        "connected": parts.connected(),
        "alone": parts.opened_alone(),
        "agent": parts.active_agent(),
        "leaving": leaving,
        "notice": under_notice,
    }


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("name", sorted(_plays()))
def test_no_screen_is_cut_or_speaks_in_codes(name: str, language: str, width: int) -> None:
    """No role, outcome, party or kind stands as its code, no None, no ellipsis, no broad line."""
    play = _plays()[name]
    said = _shown(play, parts.live_credential(), language=language, width=width)
    words = re.sub(r"\S+/\S+", "", said)
    codes = {"None", "…", "case_handler", "producer_contact", "api_portal", "[]"}
    codes |= {"verification", "processing"} if language == "sv" else set()

    assert {code for code in codes if code in words} == set()
    assert all(len(line) <= width for line in said.splitlines())


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_typed_again_stands_whole_on_one_line(width: int) -> None:
    """The ids of parts and documents can be copied, also from a narrow screen."""
    lines = [
        line.strip()
        for line in _shown(parts.connected(), parts.live_credential(), width=width).splitlines()
    ]

    assert KEY in lines
    assert "a1" * 32 in lines


def test_a_step_below_says_where_it_is_taken_and_by_whom() -> None:
    """Each part has its own list, and what only programs do is not in it."""
    said = _shown(parts.connected(), parts.live_credential())

    assert "Kan göras nu: Nyckel, Detaljplan, verifiering" in said
    assert "(handläggaren)" in said
    assert "enrol " not in said


def test_the_screen_says_what_each_type_is_about() -> None:
    """The person who leaves, the agent's term, what the signed agreements do not cover."""
    leaving = _plays()["leaving"]
    assert "Sista dag: 2026-03-31" in _shown(leaving)
    assert leaving.state.person.name in _shown(leaving)
    agent = _shown(_plays()["agent"], language="en")
    assert "Agent: Konsult AB (556036-0793)" in agent
    assert "The appointment lasts: 2026-" in agent
    assert "Förslag till beslut: beviljas." in _shown(_plays()["review"])
    assert "()" not in _shown(_plays()["reconciliation"])
    alone = _plays()["alone"]
    difference = {"a3": ["namn"], "a4": ["fastighetsägare"]}
    shown = _joined(alone)
    shown["details"]["difference"] = difference
    screen, written = _screen()
    screen.case(shown)
    assert "Avtalen täcker inte: A3: namn" in written.getvalue()
    assert "Avtalen täcker inte: A4: fastighetsägare" in written.getvalue()


def test_a_wait_on_nobody_is_no_sentence_about_nobody() -> None:
    """`ingen – …`, and a last day is one through which it lasts."""
    said = _shown(_plays()["notice"])

    assert "Väntar på: ingen – avtalet är uppsagt" in said
    assert "till och med 2026-06-30" in " ".join(said.split())


def test_a_forecast_names_the_mail_and_to_whom() -> None:
    """A mail that will go out has its subject in words, without its places to fill in."""
    play = parts.live_credential()
    screen, written = _screen()
    screen.forecast("Nyckel", forecast(play.machine, play.state, play.moment, 400))
    said = " ".join(written.getvalue().split())

    assert "mejl till handläggaren: den nya nyckeln är inte hämtad" in said
    assert "{" not in said
    assert "→" not in said


def _row(ref: str, number: str | None = None, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"workflow_id": ref, "number": number}
    row |= {"organisation": "Kiruna kommun"}
    row |= {"org_number": "212000-2783", "stage": "ended", "outcome": "connected"}
    row |= {"waiting_on": None, "waiting_due": None, "view": {"details": {}}}
    return row | more


def test_lists_are_whole_on_a_narrow_screen() -> None:
    """Numbers are never cut; without a name the number of the organisation stands."""
    screen, written = _screen()
    screen.rows([_row("onboarding/x", "NGP2026-000001", organisation="")])
    assert "NGP2026-000001" in written.getvalue()
    assert "212000-2783" in written.getvalue()
    assert "(ansluten)" in written.getvalue()

    screen, written = _screen()
    person = {"details": {"person": {"name": "Anna Lind"}}}
    screen.organisation([_row(KEY), _row("person/acc", view=person), _row("agreement/x")])
    lines = [line.strip() for line in written.getvalue().splitlines()]
    assert lines[0] == "Kiruna kommun (212000-2783)"
    assert KEY in lines
    assert "Person, Anna Lind: Avslutat (ansluten)" in lines


def test_days_are_counted_as_people_do() -> None:
    """One day, and more days."""
    screen, _ = _screen()
    assert [screen.item(code) for code in ("1", "14")] == ["1 dag före", "14 dagar före"]


def test_an_incident_is_told_in_words() -> None:
    """Which system, since when, when it is tried again, and the command that tries at once."""
    shown = _joined(parts.begun_credential())
    shown["incidents"] = [
        {
            "system": "portal_production",
            "operation": "create_application",
            "said": "503 [down]",
            "since": "2026-03-02T11:00:00+00:00",
            "attempts": 3,
            "next_try_at": "2026-03-02T11:05:00+00:00",
        }
    ]
    screen, written = _screen()
    screen.case(shown)
    said = " ".join(written.getvalue().split())

    assert "produktionsportalen" in said
    assert "503 [down]" in said
    assert "sedan 2026-03-02 12:00, 3 försök; nästa försök 2026-03-02 12:05" in said
    assert "starter.py retry portal_production" in said
