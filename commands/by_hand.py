"""What a rehearsal does at the simulated outside systems: as their own people, or as a fault."""

from typing import Any

from commands.context import say
from commands.demo import Demo, plain_http


async def fault(demo: Demo, system: str, **what: Any) -> None:
    """Let a simulated system fail."""
    async with plain_http() as http:
        where = f"{demo.addresses[system]}/_control/faults"
        (await http.post(where, json=what)).raise_for_status()
    say(f"  … {system} är nere / is down")


async def heal(demo: Demo, system: str) -> None:
    """Let a simulated system be well."""
    async with plain_http() as http:
        (await http.post(f"{demo.addresses[system]}/_control/reset")).raise_for_status()
    say(f"  … {system} är uppe / is up")


async def by_hand(demo: Demo, method: str, path: str, body: object) -> dict[str, Any]:
    """Do something at the production portal as its own people can."""
    settings = demo.context.settings
    token = settings.portal_production_token.get_secret_value()
    async with plain_http() as http:
        answer = await http.request(
            method,
            f"{settings.portal_production_url}/api/am/devportal/v3{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
        )
    made: dict[str, Any] = answer.raise_for_status().json()
    return made


async def application_by_hand(demo: Demo, name: str, key: str | None) -> dict[str, Any]:
    """Make an application with a living key at the production portal; returns the key."""
    attributes = {"ngp_key": key} if key else {}
    body = {"name": name, "throttlingPolicy": "Unlimited", "attributes": attributes}
    made = await by_hand(demo, "POST", "/applications", body)
    wanted = {
        "keyType": "PRODUCTION",
        "keyManager": "Resident Key Manager",
        "grantTypesToBeSupported": ["client_credentials"],
    }
    where = f"/applications/{made['applicationId']}/generate-keys"
    key_made = await by_hand(demo, "POST", where, wanted)
    return {
        "application": made["applicationId"],
        "consumer_key": key_made["consumerKey"],
        "consumer_secret": key_made["consumerSecret"],
    }


async def system_account_by_hand(demo: Demo, login: str) -> None:
    """Make a system account in the account system, on, with this login name."""
    settings = demo.context.settings
    account = {
        "schemas": ["urn:ngp:params:scim:schemas:SystemAccount"],
        "loginName": login,
        "orgNumber": demo.entry.org_number,
        "datasetId": demo.dataset_id,
        "active": True,
    }
    token = settings.account_system_token.get_secret_value()
    async with plain_http() as http:
        made = await http.post(
            f"{settings.account_system_url}/SystemAccounts",
            json=account,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"},
        )
        made.raise_for_status()


async def takes_token(demo: Demo, key: dict[str, str]) -> bool:
    """Whether a key still gets a token in production."""
    base = demo.addresses["portal_production"]
    async with plain_http() as http:
        answer = await http.post(
            f"{base}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(key["consumer_key"], key["consumer_secret"]),
        )
        return answer.is_success
