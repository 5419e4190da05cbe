"""The account system: SCIM 2.0 (RFC 7643, 7644) with users, organisations and system accounts."""

import json
from pathlib import Path
from typing import Any, cast

from scim2_models import Resource, ResourceType, Schema, ScimProvider, UnauthorizedException
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
    """The library's storage, written through to disk."""

    def __init__(self, store: Store, types: ScimProvider) -> None:
        super().__init__()
        self._on_disk: Store | None = None
        models = {model.__name__: model for model in types.models}
        for record in store.all("resource").values():
            resource = cast(
                "Resource[Any]", models[record["model"]].model_validate(record["resource"])
            )
            self._store(resource, self._values_of(resource))
        self._on_disk = store

    def _store(self, resource: Resource[Any], values: dict[str, Any]) -> None:
        super()._store(resource, values)
        if self._on_disk is not None:
            dumped = json.loads(resource.model_dump_json(exclude_none=True, by_alias=True))
            record = {"model": type(resource).__name__.split("[")[0], "resource": dumped}
            self._on_disk.put("resource", str(resource.id), record)

    def forget(self, resource: Resource[Any]) -> None:
        """Forget a resource, whatever depends on it."""
        self._remove((resource.meta.resource_type if resource.meta else None, str(resource.id)))

    def _remove(self, key: tuple[str | None, str]) -> None:
        super()._remove(key)
        if self._on_disk is not None:
            self._on_disk.delete("resource", key[1])


class Application(ASGIApplication):
    """The SCIM application for one client."""

    def __init__(self, storage: AsyncInMemoryStorage, types: ScimProvider, token: str) -> None:
        super().__init__(storage, types, ScimService(types, secret=token))
        self._token = token

    def check_auth(self, request: ScimRequest) -> None:
        """Refuse a request without the token."""
        if request.header("Authorization") != f"Bearer {self._token}":
            raise UnauthorizedException


def main() -> None:
    """Serve until SIGTERM."""
    options = arguments("The simulated account system (SCIM 2.0).").parse_args()
    types = provider()
    store = Store(options.data_dir, "account_system")
    storage = StorageOnDisk(store, types)

    def state() -> list[dict[str, Any]]:
        return [
            json.loads(resource.model_dump_json(exclude_none=True, by_alias=True))
            for resource in storage.resources
        ]

    def clear() -> None:
        for resource in storage.resources:
            storage.forget(resource)

    faults = Faults(state, clear)
    application = Application(AsyncInMemoryStorage(storage), types, options.token)
    run(cast("ASGI", application), faults, options)


if __name__ == "__main__":
    main()
