"""The keys of an application at an API portal: never more than one lives."""

from typing import Final

from pydantic import BaseModel, ConfigDict, SecretStr

from adapters.outside import Busy, Conflict, Connection, NotAllowed, NotFound, Refused

KEY_MANAGER: Final = "Resident Key Manager"
SEVERAL_SECRETS: Final = 900917
"""The code of a portal that lets a key have several secrets: it regenerates none."""


class IssuedKey(BaseModel):
    """A key with its secret, which is never seen again."""

    model_config = ConfigDict(frozen=True)

    key_mapping_id: str
    consumer_key: str
    consumer_secret: SecretStr


class _Key(BaseModel):
    keyMappingId: str  # noqa: N815 - as on the wire, also below
    keyType: str  # noqa: N815
    keyState: str = ""  # noqa: N815
    consumerKey: str | None = None  # noqa: N815


class _Keys(BaseModel):
    list: list[_Key]


class _Secret(BaseModel):
    consumerKey: str  # noqa: N815
    consumerSecret: SecretStr  # noqa: N815


class _Generated(BaseModel):
    keyMappingId: str  # noqa: N815
    keyState: str = ""  # noqa: N815
    consumerKey: str | None = None  # noqa: N815
    consumerSecret: SecretStr | None = None  # noqa: N815


class PortalKeys:
    """The keys of applications at one portal."""

    def __init__(self, connection: Connection, key_type: str) -> None:
        self._connection = connection
        self._key_type = key_type

    async def issue(self, application_id: str) -> IssuedKey:
        """Generate a key; one that exists gets a new secret, since the old was seen once.

        What a failed generation left behind, and any key beside the one, is removed first.
        """
        living: _Key | None = None
        for key in await self._list(application_id):
            self._raise_if_undecided(key.keyState)
            if not key.consumerKey:
                path = f"{_path(application_id)}/{key.keyMappingId}/clean-up"
                await self._connection.send("POST", path)
            elif living is None and key.keyType == self._key_type:
                living = key
            else:
                await self._delete(application_id, key)
        if living is not None and (renewed := await self._renew(application_id, living)):
            return renewed
        return await self._generate(application_id)

    def _raise_if_undecided(self, state: str) -> None:
        if state == "CREATED":
            raise Busy(self._connection.system, "the portal has not approved the key yet")
        if state == "REJECTED":
            raise Refused(self._connection.system, "the portal rejected the key")

    async def _renew(self, application_id: str, key: _Key) -> IssuedKey | None:
        """Give a key a new secret; where the portal does not, revoke it and return None."""
        path = f"{_path(application_id)}/{key.keyMappingId}/regenerate-secret"
        try:
            answer = await self._connection.send("POST", path)
        except NotAllowed as error:
            if error.code != SEVERAL_SECRETS:
                raise
            await self._delete(application_id, key)
            return None
        secret = self._connection.read(answer, _Secret)
        return IssuedKey(
            key_mapping_id=key.keyMappingId,
            consumer_key=secret.consumerKey,
            consumer_secret=secret.consumerSecret,
        )

    async def _generate(self, application_id: str) -> IssuedKey:
        body = {
            "keyType": self._key_type,
            "keyManager": KEY_MANAGER,
            "grantTypesToBeSupported": ["client_credentials"],
        }
        path = f"/applications/{application_id}/generate-keys"
        try:
            answer = await self._connection.send("POST", path, json=body)
        except Conflict as error:
            # None was listed a moment ago: an earlier attempt has only now come through.
            raise Busy(error.system, error.said, status=error.status) from error
        key = self._connection.read(answer, _Generated)
        self._raise_if_undecided(key.keyState)
        if not key.consumerKey or not key.consumerSecret:
            raise Busy(self._connection.system, "the key was generated in part")
        return IssuedKey(
            key_mapping_id=key.keyMappingId,
            consumer_key=key.consumerKey,
            consumer_secret=key.consumerSecret,
        )

    async def revoke(self, application_id: str) -> None:
        """Revoke all keys, confirmed by listing them."""
        for key in await self._list(application_id):
            await self._delete(application_id, key)
        if left := await self.count(application_id):
            raise Busy(self._connection.system, f"{left} keys are still listed")

    async def count(self, application_id: str) -> int:
        """Return how many keys the portal lists."""
        return len(await self._list(application_id))

    async def _list(self, application_id: str) -> list[_Key]:
        """List keys; an application that is gone has none."""
        try:
            answer = await self._connection.send("GET", _path(application_id))
        except NotFound:
            return []
        return self._connection.read(answer, _Keys).list

    async def _delete(self, application_id: str, key: _Key) -> None:
        try:
            await self._connection.send("DELETE", f"{_path(application_id)}/{key.keyMappingId}")
        except NotFound:
            return


def _path(application_id: str) -> str:
    return f"/applications/{application_id}/oauth-keys"
