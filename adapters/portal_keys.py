"""The keys of an application at an API portal: one lives, with two secrets while it is rotated.

A portal lets a key have one secret, which is regenerated and so replaced, or several, which are
added and revoked one by one. Which of the two is learnt by asking for a key's secrets.
"""

from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ConfigDict, SecretStr

from adapters.outside import Busy, Conflict, Connection, NotAllowed, NotFound, Refused

KEY_MANAGER: Final = "Resident Key Manager"
SEVERAL_SECRETS: Final = 900917
"""The code of a portal that lets a key have several secrets: it regenerates none."""
ONE_SECRET: Final = 900918
"""The code of a portal that lets a key have one secret: it lists and adds none."""


class IssuedKey(BaseModel):
    """A key with its secret, which is never seen again."""

    model_config = ConfigDict(frozen=True)

    key_mapping_id: str
    consumer_key: str
    consumer_secret: SecretStr


class PendingKey(BaseModel):
    """A key that the portal's own people have yet to approve: nobody has seen a secret of it."""

    model_config = ConfigDict(frozen=True)

    key_mapping_id: str | None = None


class LivingKey(BaseModel):
    """A key that lives; `secret_ids` are None where the portal lets a key have one secret only."""

    model_config = ConfigDict(frozen=True)

    key_mapping_id: str
    consumer_key: str
    secret_ids: tuple[str, ...] | None


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


class _AddedSecret(BaseModel):
    secretId: str  # noqa: N815
    secretValue: SecretStr  # noqa: N815


class _SecretId(BaseModel):
    secretId: str  # noqa: N815


class _SecretIds(BaseModel):
    list: list[_SecretId]


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

    async def issue(self, application_id: str) -> IssuedKey | PendingKey:
        """Generate a key; one that exists gets a new secret, since the old was seen once.

        What a failed generation left behind, and any key beside the one, is removed first.

        Raises:
            Refused: the portal's people have rejected the key.
        """
        living: _Key | None = None
        for key in await self._list(application_id):
            if self._is_undecided(key.keyState):
                return PendingKey(key_mapping_id=key.keyMappingId)
            if not key.consumerKey:
                path = f"{_path(application_id)}/{key.keyMappingId}/clean-up"
                await self._connection.send("POST", path)
            elif living is None and key.keyType == self._key_type:
                living = key
            else:
                await self._delete(application_id, key)
        if living is not None:
            return await self._renew(application_id, living)
        return await self._generate(application_id)

    async def is_pending(self, application_id: str) -> bool:
        """Tell whether the portal's people have yet to approve a key.

        Raises:
            Refused: they have rejected it.
        """
        states = [key.keyState for key in await self._list(application_id)]
        return any(self._is_undecided(state) for state in states)

    def _is_undecided(self, state: str) -> bool:
        if state == "REJECTED":
            raise Refused(self._connection.system, "the portal rejected the key")
        return state == "CREATED"

    async def _renew(self, application_id: str, key: _Key) -> IssuedKey:
        """Give a key a new secret, which ends all that it has."""
        path = f"{_path(application_id)}/{key.keyMappingId}/regenerate-secret"
        try:
            answer = await self._connection.send("POST", path)
        except NotAllowed as error:
            if error.code != SEVERAL_SECRETS:
                raise
            return await self.add_secret(application_id, keep=())
        secret = self._connection.read(answer, _Secret)
        return IssuedKey(
            key_mapping_id=key.keyMappingId,
            consumer_key=secret.consumerKey,
            consumer_secret=secret.consumerSecret,
        )

    async def _generate(self, application_id: str) -> IssuedKey | PendingKey:
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
        if answer.status_code == HTTPStatus.ACCEPTED:
            return PendingKey()
        key = self._connection.read(answer, _Generated)
        if self._is_undecided(key.keyState):
            return PendingKey(key_mapping_id=key.keyMappingId)
        if not key.consumerKey or not key.consumerSecret:
            raise Busy(self._connection.system, "the key was generated in part")
        return IssuedKey(
            key_mapping_id=key.keyMappingId,
            consumer_key=key.consumerKey,
            consumer_secret=key.consumerSecret,
        )

    # ---- secrets -------------------------------------------------------------------------

    async def living(self, application_id: str) -> LivingKey | None:
        """Return the key that lives, with its secrets where there may be several."""
        for key in await self._list(application_id):
            if key.keyType == self._key_type and key.consumerKey:
                return LivingKey(
                    key_mapping_id=key.keyMappingId,
                    consumer_key=key.consumerKey,
                    secret_ids=await self._secret_ids(application_id, key.keyMappingId),
                )
        return None

    async def _secret_ids(self, application_id: str, key_mapping_id: str) -> tuple[str, ...] | None:
        path = f"{_path(application_id)}/{key_mapping_id}/secrets"
        try:
            answer = await self._connection.send("GET", path)
        except NotFound:
            return None  # a portal from before there were several
        except NotAllowed as error:
            if error.code == ONE_SECRET:
                return None
            raise
        return tuple(each.secretId for each in self._connection.read(answer, _SecretIds).list)

    async def add_secret(self, application_id: str, *, keep: Collection[str]) -> IssuedKey:
        """Give the living key one more secret; all but those to keep are revoked before.

        A secret whose answer was lost is among those that are revoked.

        Raises:
            Refused: no key lives, or the portal lets it have one secret only.
        """
        key = await self.living(application_id)
        if key is None or key.secret_ids is None:
            raise Refused(self._connection.system, "there is no key that can have several secrets")
        for secret_id in set(key.secret_ids) - set(keep):
            await self._revoke_secret(application_id, key.key_mapping_id, secret_id)
        path = f"{_path(application_id)}/{key.key_mapping_id}/generate-secret"
        answer = await self._connection.send("POST", path, json={})
        return IssuedKey(
            key_mapping_id=key.key_mapping_id,
            consumer_key=key.consumer_key,
            consumer_secret=self._connection.read(answer, _AddedSecret).secretValue,
        )

    async def end_secrets(self, application_id: str, secret_ids: Collection[str]) -> None:
        """Revoke secrets, confirmed by listing them; those that are gone already are as well.

        Raises:
            Busy: one is still listed.
        """
        key = await self.living(application_id)
        if key is None:
            return
        for secret_id in set(key.secret_ids or ()).intersection(secret_ids):
            await self._revoke_secret(application_id, key.key_mapping_id, secret_id)
        left = await self._secret_ids(application_id, key.key_mapping_id) or ()
        if set(left).intersection(secret_ids):
            raise Busy(self._connection.system, "an old secret is still listed")

    async def _revoke_secret(self, application_id: str, key_mapping_id: str, secret: str) -> None:
        path = f"{_path(application_id)}/{key_mapping_id}/revoke-secret"
        try:
            await self._connection.send("POST", path, json={"secretId": secret})
        except NotFound:
            return

    # ---- revoking ------------------------------------------------------------------------

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
