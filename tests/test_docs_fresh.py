import re
from pathlib import Path

import pytest

from docs import diagrams
from domain.act import Role
from domain.machines import MACHINES

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?://)([^)#]*)(#[^)]*)?\)")


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_process_page_is_fresh() -> None:
    """The diagrams and step tables say what the machines do now (`python -m docs.diagrams`)."""
    assert diagrams.PAGE.read_text("utf-8") == diagrams.page()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link within the repository names a file that exists, and a heading that it has."""
    broken = []
    for target, anchor in LINK.findall(page.read_text("utf-8")):
        path = (page.parent / target) if target else page
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            broken.append(target + anchor)

    assert broken == []


def test_the_glossary_has_every_role_and_workflow() -> None:
    """A newcomer finds each role and workflow by the name it has in the code."""
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")

    assert [name for name in [*Role, *MACHINES] if f"`{name}`" not in text] == []
