"""The applications at an API portal: found by our key, which each of ours carries."""

import asyncio
import hashlib
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from adapters.outside import (
    PAGE_PAUSE_SECONDS,
    Busy,
    Conflict,
    Connection,
    Foreign,
    NotFound,
    Refused,
)
from adapters.plain_letters import plain

PAGE: Final = 50
LISTINGS_MAX: Final = 3
NAME_CHARACTERS_MAX: Final = 70
DESCRIPTION_CHARACTERS_MAX: Final = 512
TAG_DIGITS: Final = 8
OUR_KEY: Final = "ngp_key"
KEEPS_NO_KEY: Final = f"the portal does not keep the attribute {OUR_KEY}: it must be set up there"


class Application(BaseModel):
    """An application of ours; not `approved` while the portal's own people have yet to look."""

    model_config = ConfigDict(frozen=True)

    application_id: str
    approved: bool


class ApplicationRecord(BaseModel):
    """An application as the portal lists it."""

    applicationId: str  # noqa: N815 - as on the wire
    name: str
    status: str = ""
    attributes: dict[str, Any] | None = None

    @property
    def key(self) -> str | None:
        """Our key; None where it is not ours."""
        return (self.attributes or {}).get(OUR_KEY)


class _ApplicationToChange(BaseModel):
    """What a change must say again, so that it is kept."""

    name: str
    throttlingPolicy: str  # noqa: N815
    description: str | None = None
    tokenType: str | None = None  # noqa: N815
    groups: list[str] | None = None
    attributes: dict[str, Any] | None = None


class _Pagination(BaseModel):
    total: int


class _Applications(BaseModel):
    list: list[ApplicationRecord]
    pagination: _Pagination


class PortalApplications:
    """The applications at one portal."""

    def __init__(self, connection: Connection, throttling_policy: str) -> None:
        self._connection = connection
        self._throttling_policy = throttling_policy

    async def find_or_create(
        self, *, key: str, name: str, system_account: str, application_id: str | None = None
    ) -> Application:
        """Find the application that carries our key, or create it.

        The portal's name for it is `name` in plain letters with a tag that follows from the key,
        so that two with one name do not meet, and ours is found by its tag. One that was adopted
        has a name of its own: `application_id` says where it was last.

        Raises:
            Foreign: an application with our name does not carry our key.
            Refused: the portal's people have rejected it.
        """
        if found := await self._ours(key, application_id):
            return self._seen(found)
        body = {
            "name": portal_name(name, key),
            "throttlingPolicy": self._throttling_policy,
            "description": name[:DESCRIPTION_CHARACTERS_MAX],
            "tokenType": "JWT",
            "attributes": {OUR_KEY: key, "system_account": system_account},
        }
        try:
            answer = await self._connection.send("POST", "/applications", json=body)
        except Conflict as error:
            return await self._adopt(key, body["name"], error.status)
        if answer.status_code == HTTPStatus.ACCEPTED:
            return await self._adopt(key, body["name"])
        made = self._connection.read(answer, ApplicationRecord)
        if made.key != key:
            raise Foreign(self._connection.system, KEEPS_NO_KEY)
        return self._seen(made)

    async def claim(self, application_id: str, *, key: str, system_account: str) -> bool:
        """Write our key into an application that was there before us; the rest of it is kept.

        Returns:
            Whether it is there.

        Raises:
            Foreign: it carries another key of ours, another carries this key, or the portal does
                not keep the attribute.
        """
        found = await self._first(tag(key), key) or await self._first("", key)
        if found is not None and found.applicationId != application_id:
            raise Foreign(self._connection.system, f"{found.name!r} carries the same key of ours")
        try:
            known = await self._connection.send("GET", f"/applications/{application_id}")
        except NotFound:
            return False
        body = self._connection.read(known, _ApplicationToChange)
        held = body.attributes or {}
        if held.get(OUR_KEY) not in {None, key}:
            raise Foreign(self._connection.system, f"{body.name!r} carries another key of ours")
        body.attributes = held | {OUR_KEY: key, "system_account": system_account}
        path = f"/applications/{application_id}"
        answer = await self._connection.send("PUT", path, json=body.model_dump(exclude_none=True))
        if self._connection.read(answer, ApplicationRecord).key != key:
            raise Foreign(self._connection.system, KEEPS_NO_KEY)
        return True

    async def to_remove(self, key: str, application_id: str | None) -> ApplicationRecord | None:
        """Find what is to be removed: by the key's tag, else by the portal's id of it.

        Only what has neither is looked for among all: with a thousand applications that is ten
        pages, which keep changing while all of them are removed at one midnight. One that was
        adopted and not claimed yet carries no key.

        Raises:
            Foreign: what has the id carries another key of ours.
        """
        found = await self._first(tag(key), key)
        if found is not None:
            return found
        if application_id is None:
            return await self._first("", key)
        known = await self._by_id(application_id)
        if known is not None and known.key not in {None, key}:
            raise Foreign(self._connection.system, f"{known.name!r} carries another key of ours")
        return known

    async def _adopt(self, key: str, name: Any, status: int | None = None) -> Application:
        """Take what has the name already, if it carries our key."""
        named = await self.search(name)
        if found := await self._first(tag(key), key) or _carrying(key, named):
            return self._seen(found)
        if any(each.name == name for each in named):
            raise Foreign(
                self._connection.system, f"{name!r} exists and does not carry our key", status=409
            )
        said = f"{name!r} is taken or accepted, but not listed yet"
        raise Busy(self._connection.system, said, status=status)

    async def find(self, key: str, application_id: str | None = None) -> Application | None:
        """Return the application that carries our key; `application_id` is the portal's id of it.

        Raises:
            Refused: the portal's people have rejected it.
        """
        found = await self._ours(key, application_id)
        return self._seen(found) if found else None

    def _seen(self, found: ApplicationRecord) -> Application:
        if found.status == "REJECTED":
            raise Refused(self._connection.system, f"the portal rejected {found.name!r}")
        return Application(application_id=found.applicationId, approved=found.status == "APPROVED")

    async def _ours(self, key: str, application_id: str | None) -> ApplicationRecord | None:
        """Find what carries our key by its tag, else by the portal's id of it.

        Not by looking through all: that takes the longer the more there are, and keeps changing
        while others are made.
        """
        found = await self._first(tag(key), key)
        if found is None and application_id is not None:
            known = await self._by_id(application_id)
            found = known if known is not None and known.key == key else None
        return found

    async def _by_id(self, application_id: str) -> ApplicationRecord | None:
        try:
            answer = await self._connection.send("GET", f"/applications/{application_id}")
        except NotFound:
            return None
        return self._connection.read(answer, ApplicationRecord)

    async def _first(self, name: str, key: str) -> ApplicationRecord | None:
        """Return the application that carries a key, among those whose name holds a text."""
        return _carrying(key, await self.search(name))

    async def search(self, name: str) -> list[ApplicationRecord]:
        """Return all applications whose name holds a text.

        Pages shift when something is created or removed between two of them: one must not seem
        gone because of that, so the listing is done again when the total changed.
        """
        for _ in range(LISTINGS_MAX):
            found, totals = await self._listing(name)
            if len(totals) == 1:
                return found
        raise Busy(self._connection.system, "the list of applications keeps changing")

    async def _listing(self, name: str) -> tuple[list[ApplicationRecord], set[int]]:
        found: list[ApplicationRecord] = []
        totals: set[int] = set()
        while True:
            wanted = {"limit": PAGE, "offset": len(found)} | ({"query": name} if name else {})
            answer = await self._connection.send("GET", "/applications", params=wanted)
            page = self._connection.read(answer, _Applications)
            found += [await self._whole(each) for each in page.list]
            totals.add(page.pagination.total)
            if not page.list or len(found) >= page.pagination.total:
                return found, totals
            await asyncio.sleep(PAGE_PAUSE_SECONDS)

    async def _whole(self, listed: ApplicationRecord) -> ApplicationRecord:
        """Read one whose attributes the list does not tell; gone meanwhile, it is not ours."""
        if listed.attributes is not None:
            return listed
        try:
            answer = await self._connection.send("GET", f"/applications/{listed.applicationId}")
        except NotFound:
            return listed.model_copy(update={"attributes": {}})
        whole = self._connection.read(answer, ApplicationRecord)
        return whole.model_copy(update={"attributes": whole.attributes or {}})


def _carrying(key: str, listed: Iterable[ApplicationRecord]) -> ApplicationRecord | None:
    return next((each for each in listed if each.key == key), None)


def tag(key: str) -> str:
    """Return the end of the name of the application that carries a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:TAG_DIGITS]


def portal_name(name: str, key: str) -> str:
    """Return a name that can have keys: `[a-zA-Z0-9 ._-]` only, of its own for each key."""
    letters = re.sub(r"[^a-zA-Z0-9 ._-]", "", plain(name))
    return f"{' '.join(letters.split())[:NAME_CHARACTERS_MAX].strip()} {tag(key)}".strip()
