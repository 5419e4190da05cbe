"""SCIM 2.0 (RFC 7643, 7644) over our own connection, by scim2-client.

The resource types are written here, not discovered at each start: an account system that is down
must not keep the worker from starting.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, TypeVar, cast

import httpx
from scim2_client import BaseAsyncSCIMClient, SCIMClientException
from scim2_client.errors import UnexpectedContentFormatException
from scim2_models import (
    URN,
    CaseExact,
    EnterpriseUser,
    ListResponse,
    Mutability,
    PatchOp,
    PatchOperation,
    Required,
    Resource,
    ResourceType,
    SCIMException,
    ScimPolicy,
    ScimProvider,
    SearchRequest,
    Uniqueness,
    User,
)

from adapters.outside import PAGE_PAUSE_SECONDS, Connection, Refused, Unreachable

PAGE: Final = 25  # small, so that nobody else waits long behind one

Person = User[EnterpriseUser]


class Organization(Resource[Any]):
    """An organisation with an account."""

    __schema__ = URN("urn:ngp:params:scim:schemas:Organization")

    org_number: Annotated[
        str | None, Required.true, Mutability.immutable, Uniqueness.server, CaseExact.true
    ] = None
    display_name: Annotated[str | None, Required.true] = None
    active: bool | None = None


class SystemLogin(Resource[Any]):
    """An account that owns rights to interfaces."""

    __schema__ = URN("urn:ngp:params:scim:schemas:SystemAccount")

    login_name: Annotated[
        str | None, Required.true, Mutability.immutable, Uniqueness.server, CaseExact.true
    ] = None
    org_number: Annotated[str | None, Required.true, Mutability.immutable, CaseExact.true] = None
    dataset_id: Annotated[str | None, Required.true, Mutability.immutable, CaseExact.true] = None
    active: bool | None = None


PROVIDER: Final = ScimProvider(
    models=[User, EnterpriseUser, Organization, SystemLogin],
    resource_types=[
        ResourceType.from_resource(each) for each in (Person, Organization, SystemLogin)
    ],
    # A server may tell more than we know of.
    policy=ScimPolicy(unknown=ScimPolicy.Unknown.ignore),
)
R = TypeVar("R", bound=Resource[Any])


def equal(attribute: str, value: str) -> str:
    """Return the filter for an attribute with a value (RFC 7644 § 3.4.2.2)."""
    return f"{attribute} eq {json.dumps(value, ensure_ascii=False)}"


class _Engine(BaseAsyncSCIMClient):
    """What scim2-client builds and checks, our connection sends."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(provider=PROVIDER)
        self._connection = connection

    async def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        return await self._connection.send(method, url, **kwargs)


class Scim:
    """The few operations we need; every one raises the errors of `adapters.outside`."""

    def __init__(self, connection: Connection) -> None:
        self._system = connection.system
        self._client = _Engine(connection)

    async def find(self, kind: type[R], matching: str | None = None) -> list[R]:
        """Return all resources of a kind, or those that a filter matches.

        By POST (RFC 7644 § 3.4.3): an e-mail address in an URL ends up in logs (§ 7.5.2).
        """
        wanted = {"filter": matching} if matching else {}
        found: list[R] = []
        while True:
            page = {"startIndex": len(found) + 1, "count": PAGE}
            request: SearchRequest[Any] = SearchRequest.model_validate(wanted | page)
            with self._understood():
                answer = await self._client.search(kind, request)
            listed = cast("ListResponse[R]", answer)
            found += listed.resources or []
            if not listed.resources or len(found) >= (listed.total_results or 0):
                return found
            await asyncio.sleep(PAGE_PAUSE_SECONDS)

    async def get(self, kind: type[R], resource_id: str) -> R:
        """Return one resource (§ 3.4.1)."""
        with self._understood():
            return cast("R", await self._client.query(kind, resource_id))

    async def create(self, resource: R) -> R:
        """Create a resource and return it with its id (§ 3.3)."""
        with self._understood():
            return cast("R", await self._client.create(resource))

    async def replace(self, kind: type[R], resource_id: str, path: str, value: object) -> None:
        """Give one attribute another value (§ 3.5.2)."""
        change = PatchOperation[kind](op=PatchOperation.Op.replace_, path=path, value=value)  # type: ignore[valid-type]
        patch = PatchOp[kind](operations=[change])  # type: ignore[valid-type]
        with self._understood():
            await self._client.modify(kind, resource_id, patch)

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Turn scim2-client's complaints about an answer into errors of ours.

        `from None`: they hold the answer, and so people's names and addresses.
        """
        try:
            yield
        except UnexpectedContentFormatException:
            raise Unreachable(self._system, "half an answer") from None
        except (SCIMClientException, SCIMException) as error:
            said = f"an answer against the rules: {type(error).__name__}"
            raise Refused(self._system, said) from None
