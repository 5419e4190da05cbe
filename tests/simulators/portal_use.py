"""What tests of the simulated portal do again and again."""

from typing import Any

import httpx

GRANT = {"grant_type": "client_credentials"}
KEYS = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]}


async def application(portal: httpx.AsyncClient, name: str = "NGP", **more: Any) -> str:
    """Create an application and return its id."""
    body = {"name": name, "throttlingPolicy": "Unlimited", "tokenType": "JWT", **more}
    answer = await portal.post("/applications", json=body)
    return str(answer.raise_for_status().json()["applicationId"])


async def subscribe(
    portal: httpx.AsyncClient, application_id: str, name: str = "NGP Uppdatering"
) -> httpx.Response:
    """Subscribe an application to an interface."""
    (api,) = (await portal.get("/apis", params={"query": f"name:{name}"})).json()["list"]
    ids = {"applicationId": application_id, "apiId": api["id"]}
    return await portal.post("/subscriptions", json={**ids, "throttlingPolicy": "Unlimited"})


async def generate(portal: httpx.AsyncClient, application_id: str) -> httpx.Response:
    """Generate an application's keys."""
    return await portal.post(f"/applications/{application_id}/generate-keys", json=KEYS)


def token(http: httpx.Client, key: dict[str, Any]) -> httpx.Response:
    """Ask for a token with a key."""
    secret = (key["consumerKey"], key["consumerSecret"])
    return http.post("/oauth2/token", data=GRANT, auth=secret)
