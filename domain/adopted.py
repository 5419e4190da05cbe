"""What was taken over from before this system, by whom, and on what ground."""

from datetime import datetime
from typing import Final

from domain.act import Actor
from domain.machine import Content, Moment
from domain.state import EntryKind, State

SOURCE: Final = "adopted"


class Adopted(Content):
    """By whom something was taken over, and on what ground."""

    actor: Actor
    basis: str


class AdoptedDelivery(Content):
    """What a party delivers with already: its system account, its applications, its last day."""

    adopted: Adopted
    system_account: str
    applications: dict[str, str]
    valid_until: datetime | None = None


def note_adoption(state: State, adopted: Adopted, moment: Moment) -> None:
    """Write in the journal that it was taken over."""
    what = {"basis": adopted.basis}
    state.write(moment.now, EntryKind.FOLLOWED, "adopted", what, adopted.actor)
