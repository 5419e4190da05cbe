"""Tokens for the keys that the simulated portal has issued."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.simulators.conftest import BEARER, PORTAL, Program
from tests.simulators.portal_use import GRANT, KEYS, application, generate, subscribe, token

OPEN = {"leveransinfo": {"informationstyp": "detaljplan", "provider": "2180"}}


@pytest.fixture
async def key(portal: httpx.AsyncClient) -> dict[str, Any]:
    """Return a key that may deliver, with its application."""
    one = await application(portal, attributes={"system_account": "abcd1234"})
    await subscribe(portal, one)
    return {**(await generate(portal, one)).json(), "application": one}


def counts(http: httpx.Client, access_token: str) -> bool:
    """Whether a token opens the protected interface."""
    headers = {"Authorization": f"Bearer {access_token}"}
    status = http.post("/producent/mottagning", json=OPEN, headers=headers).status_code
    assert status in {201, 401}
    return status == 201


def test_a_token(portal_server: Program, key: dict[str, Any]) -> None:
    """A key gets a bearer token that the protected interface takes."""
    given = token(portal_server.http, key).json()

    assert given["token_type"] == "Bearer"
    assert given["expires_in"] > 0
    assert counts(portal_server.http, given["access_token"])
    assert not counts(portal_server.http, "another")


def test_who_gets_none(portal_server: Program, key: dict[str, Any]) -> None:
    """A wrong key or secret, another grant, or no HTTP Basic: no token."""
    http, pair = portal_server.http, (key["consumerKey"], key["consumerSecret"])
    as_fields = {**GRANT, "client_id": pair[0], "client_secret": pair[1]}
    refused = [
        token(http, {**key, "consumerSecret": "wrong"}),
        token(http, {**key, "consumerKey": "wrong"}),
        httpx.post(f"{portal_server.url}/oauth2/token", data=as_fields),
        httpx.post(f"{portal_server.url}/oauth2/token", data=GRANT),
    ]
    other = http.post("/oauth2/token", data={"grant_type": "password"}, auth=pair)

    assert [each.status_code for each in refused] == [401] * 4
    assert {each.json()["error"] for each in refused} == {"invalid_client"}
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")


async def test_a_new_secret(
    portal: httpx.AsyncClient, portal_server: Program, key: dict[str, Any]
) -> None:
    """A regenerated secret counts, the old one no longer."""
    path = f"/applications/{key['application']}/oauth-keys/{key['keyMappingId']}"
    new = (await portal.post(f"{path}/regenerate-secret")).json()

    assert token(portal_server.http, key).status_code == 401
    assert token(portal_server.http, new).status_code == 200


@pytest.mark.parametrize("what", ["key", "clean-up", "application"])
async def test_revoked(
    portal: httpx.AsyncClient, portal_server: Program, key: dict[str, Any], what: str
) -> None:
    """A key that is gone, or whose application is, gets no token, and its tokens stop counting."""
    given = token(portal_server.http, key).json()["access_token"]
    one = f"/applications/{key['application']}"
    living = f"{one}/oauth-keys/{key['keyMappingId']}"
    if what == "clean-up":
        await portal.post(f"{living}/clean-up")
    else:
        await portal.delete(living if what == "key" else one)

    refused = token(portal_server.http, key)

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert not counts(portal_server.http, given)


async def test_a_token_from_the_portal(
    portal: httpx.AsyncClient, portal_server: Program, key: dict[str, Any]
) -> None:
    """The portal itself gives a token that counts, to who knows the secret."""
    path = f"/applications/{key['application']}/oauth-keys/{key['keyMappingId']}/generate-token"
    right = await portal.post(path, json={"consumerSecret": key["consumerSecret"]})
    wrong = await portal.post(path, json={"consumerSecret": "wrong"})

    assert counts(portal_server.http, right.json()["accessToken"])
    assert wrong.status_code == 400


def test_after_a_kill(tmp_path: Path) -> None:
    """Keys and tokens count after a kill, revoked ones do not."""
    program = Program("api_portal", tmp_path)
    try:
        program.start()
        http = program.http
        keys = []
        for name in ("NGP 1", "NGP 2"):
            body = {"name": name, "throttlingPolicy": "Unlimited"}
            body |= {"attributes": {"system_account": "abcd1234"}}  # type: ignore[dict-item]
            one = http.post(f"{PORTAL}/applications", json=body).json()["applicationId"]
            (api, *_) = http.get(f"{PORTAL}/apis").json()["list"]
            ids = {"applicationId": one, "apiId": api["id"], "throttlingPolicy": "Unlimited"}
            http.post(f"{PORTAL}/subscriptions", json=ids).raise_for_status()
            path = f"{PORTAL}/applications/{one}"
            key = http.post(f"{path}/generate-keys", json=KEYS).json()
            keys.append({**key, "path": f"{path}/oauth-keys/{key['keyMappingId']}"})
        tokens = [token(http, each).json()["access_token"] for each in keys]
        http.delete(keys[0]["path"], headers=BEARER).raise_for_status()

        program.kill()
        program.start()

        assert [token(http, each).status_code for each in keys] == [401, 200]
        assert [counts(http, each) for each in tokens] == [False, True]
    finally:
        program.close()
