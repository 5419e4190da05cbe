"""The account system: SCIM 2.0 (RFC 7643, 7644) with users, organisations and system accounts."""

import itertools
import json
from pathlib import Path
from typing import Any, cast

from scim2_models import (
    Resource,
    ResourceType,
    Schema,
    ScimFilter,
    ScimProvider,
    UnauthorizedException,
)
from scim2_models.path import CompareOperator, Comparison
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.service import ScimService
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

from simulators.faults import ASGI, Faults
from simulators.program import Store, arguments, run

CONTRACTS = Path(__file__).parents[1] / "contracts"


def provider() -> ScimProvider:
    """Return the schemas and resource types: those of the RFC and our two."""
    own = json.loads((CONTRACTS / "account-system.json").read_text("utf-8"))
    schemas = [*load_default_schemas().values(), *map(Schema.model_validate, own["schemas"])]
    types = [
        *load_default_resource_types().values(),
        *map(ResourceType.model_validate, own["resource_types"]),
    ]
    config = load_default_service_provider_config()
    config.authentication_schemes = [BEARER_TOKEN_SCHEME]
    return ScimProvider.from_discovery(schemas, types, config=config)


class StorageOnDisk(InMemoryStorage):
    """The library's storage, written through to disk, and quick to find a mail address.

    The library walks every user for an attribute that has several values: 30 to 100 ms with
    2,000 users.
    """

    def __init__(self, store: Store, types: ScimProvider) -> None:
        super().__init__()
        models = {each.name: types.model_for(each) for each in types.resource_types}
        self._on_disk = store
        self._by_address: dict[str, set[str]] = {}
        self._addresses: dict[str, list[str]] = {}
        number = 0
        for record in store.all("resource").values():
            model = cast("type[Resource[Any]]", models[record["type"]])
            resource = model.model_validate(record["resource"])
            super()._store(resource, self._values_of(resource))
            self._index(resource)
            number = max(number, record["number"])
        # A version is never given twice, not even after a restart.
        self.versions = itertools.count(number + 1)

    def _store(self, resource: Resource[Any], values: dict[str, Any]) -> None:
        super()._store(resource, values)
        self._index(resource)
        meta = resource.meta
        assert meta is not None
        record = {
            "type": meta.resource_type,
            "number": int(str(meta.version).removeprefix('W/"').removesuffix('"')),
            "resource": shown(resource),
        }
        self._on_disk.put("resource", str(resource.id), record)

    def _remove(self, key: tuple[str | None, str]) -> None:
        super()._remove(key)
        for address in self._addresses.pop(key[1], []):
            self._by_address[address].discard(key[1])

    def delete(
        self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        """Delete a resource, also on disk."""
        super().delete(resource_type, resource_id, expected_version=expected_version)
        self._on_disk.delete("resource", resource_id)

    def clear(self) -> None:
        """Forget everything."""
        self.resources = []
        self._by_address.clear()
        self._addresses.clear()
        self._on_disk.clear()

    def _index(self, resource: Resource[Any]) -> None:
        emails = getattr(resource, "emails", None) or []
        addresses = [str(each.value).casefold() for each in emails]
        self._addresses[str(resource.id)] = addresses
        for address in addresses:
            self._by_address.setdefault(address, set()).add(str(resource.id))

    def _candidates(
        self, names: list[str | None], scim_filter: ScimFilter[Any] | None
    ) -> list[Resource[Any]]:
        node = scim_filter.ast if scim_filter is not None else None
        if (
            names == ["User"]
            and isinstance(node, Comparison)
            and node.op == CompareOperator.eq
            and str(node.attr_path).casefold() == "emails.value"
        ):
            users = self._resources.get("User", {})
            return [users[each] for each in self._by_address.get(str(node.value).casefold(), ())]
        return super()._candidates(names, scim_filter)


def shown(resource: Resource[Any]) -> dict[str, Any]:
    """Return a resource as it is on the wire."""
    return cast(
        "dict[str, Any]", json.loads(resource.model_dump_json(exclude_none=True, by_alias=True))
    )


class Application(ASGIApplication):
    """The SCIM application for one client."""

    def __init__(self, storage: InMemoryStorage, types: ScimProvider, token: str) -> None:
        super().__init__(AsyncInMemoryStorage(storage), types, ScimService(types, secret=token))
        self._token = token

    def check_auth(self, request: ScimRequest) -> None:
        """Refuse a request without the token."""
        if request.header("Authorization") != f"Bearer {self._token}":
            raise UnauthorizedException


def main() -> None:
    """Serve until SIGTERM."""
    options = arguments("The simulated account system (SCIM 2.0).").parse_args()
    types = provider()
    storage = StorageOnDisk(Store(options.data_dir, "account_system"), types)
    faults = Faults(lambda: [shown(each) for each in storage.resources], storage.clear)
    run(cast("ASGI", Application(storage, types, options.token)), faults, options)


if __name__ == "__main__":
    main()
