"""Permissions that were connected before the clock starts, each with two keys and an account.

Accounts, applications and keys are made at the outside systems as people made them by hand; the
permissions are begun by the word of an owner that adopts, and take them over. No owner, case or
person is there: they take no part in what is measured.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from benchmarks.stage import Stage, at_once, say
from commands.demo import plain_http
from domain.permission_state import permission_id
from domain.personal_numbers import luhn
from workflows.case import TASK_LIMIT, WORKFLOW_QUEUE

DATASET = "detaljplan"
PORTAL = "/api/am/devportal/v3"
ENVIRONMENTS = ("verification", "production")
LOOK_SECONDS = 0.5
SAY_SECONDS = 15.0
STANDING = """
    select count(*) from cases where ended_at is null
        and (type = 'Permission' and stage = 'active'
             and (view #>> '{details,is_account_claimed}')::boolean
          or type = 'Credential' and stage = 'live'
             and (view #>> '{details,is_claimed}')::boolean)
"""
ENDING = """
    select count(*) from cases where stage in ('active', 'live')
        and (view #>> '{details,valid_until}')::timestamptz = $1::text::timestamptz
"""


@dataclass(frozen=True)
class Right:
    """One party's right to deliver one data set, in an organisation of its own."""

    number: int

    @property
    def org_number(self) -> str:
        """A number of a company that no register knows."""
        return company_number(self.number)

    @property
    def login_name(self) -> str:
        """The name of its system account."""
        return f"rght{self.number:04}"

    @property
    def ref(self) -> str:
        """The workflow id of the permission."""
        return permission_id(self.org_number, DATASET, self.org_number)


def company_number(number: int) -> str:
    """Return an organisation number with the right check digit."""
    first = f"556{number:06}"
    digits = next(first + last for last in "0123456789" if luhn(first + last))
    return f"{digits[:6]}-{digits[6:]}"


async def connect(on: Stage, count: int) -> list[Right]:
    """Let so many permissions stand, with keys that live and no last day."""
    rights = [Right(number) for number in range(count)]
    async with plain_http() as http:
        await at_once(lambda right: _connect(on, http, right), rights)
    await until_counted(on, STANDING, 3 * count, "stand")
    return rights


async def let_end(on: Stage, rights: list[Right], until: datetime) -> None:
    """Say of all permissions that they end at an instant, and wait until all their keys know.

    Raises:
        TimeoutError: the instant came before that.
    """
    content = {"source": "agreement", "until": until.isoformat()}
    await at_once(lambda right: say_word(on, right.ref, "valid_until", content), rights)
    async with asyncio.timeout((until - datetime.now(UTC)).total_seconds()):
        await until_counted(on, ENDING, 3 * len(rights), "know their last day", until.isoformat())


async def until_counted(on: Stage, question: str, count: int, what: str, *given: object) -> None:
    """Wait until a question to the records counts so many; tells now and then how far it is."""
    said = time.monotonic()
    while (now := await on.context.pool.fetchval(question, *given)) < count:
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            say(f"  {now} of {count} {what}")
        await asyncio.sleep(LOOK_SECONDS)


async def _connect(on: Stage, http: httpx.AsyncClient, right: Right) -> None:
    await _make_account(on, http, right)
    applications = {each: await _make_application(on, http, right, each) for each in ENVIRONMENTS}
    delivery = {
        "adopted": {"actor": ADOPTER, "basis": "mätning"},
        "system_account": right.login_name,
        "applications": applications,
    }
    content = {
        "owner": f"dataset/{right.org_number}/{DATASET}",
        "org_number": right.org_number,
        "organisation_name": f"Bolag {right.number} AB",
        "dataset_id": DATASET,
        "dataset_name": "Detaljplan",
        "party": right.org_number,
        "party_name": f"Bolag {right.number} AB",
        "holder": holder(right.number),
        "apis": [f"{DATASET}-api"],
        "delivery": delivery,
    }
    await begin(on, "Permission", right.ref, content)


ADOPTER = {"subject": "hanna", "name": "Hanna", "role": "case_handler"}


def holder(number: int) -> dict[str, str]:
    """Return a contact without an account, so that no access of a person is begun."""
    return {"name": "Anna Lind", "email": f"anna.lind{number}@bolag.example"}


async def begin(on: Stage, type_: str, ref: str, content: dict[str, Any]) -> None:
    """Begin a workflow by its owner's word."""
    word = {"message_id": f"begin#{ref}", "sender": content["owner"], "what": "begin"}
    await on.context.client.start_workflow(
        type_,
        {"policy": on.context.policy.model_dump(mode="json")},
        id=ref,
        task_queue=WORKFLOW_QUEUE,
        task_timeout=TASK_LIMIT,
        start_signal="heard",
        start_signal_args=[word | {"content": content}],
    )


async def say_word(on: Stage, ref: str, what: str, content: dict[str, Any]) -> None:
    """Say a word to a workflow, as another one would."""
    word = {"message_id": f"{what}#{ref}", "sender": "benchmark", "what": what, "content": content}
    await on.context.client.get_workflow_handle(ref).signal("heard", word)


async def _make_account(on: Stage, http: httpx.AsyncClient, right: Right) -> None:
    settings = on.context.settings
    body = {
        "schemas": ["urn:ngp:params:scim:schemas:SystemAccount"],
        "loginName": right.login_name,
        "orgNumber": right.org_number,
        "datasetId": DATASET,
        "active": True,
    }
    token = settings.account_system_token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    where = f"{settings.account_system_url}/SystemAccounts"
    (await http.post(where, json=body, headers=headers, timeout=60)).raise_for_status()


async def _make_application(
    on: Stage, http: httpx.AsyncClient, right: Right, environment: str
) -> str:
    """Make an application with a living key; returns its id."""
    url = f"{on.stack.addresses()[f'portal_{environment}']}{PORTAL}/applications"
    headers = {"Authorization": f"Bearer {on.stack.token}"}
    body = {"name": f"Leverans {right.number}", "throttlingPolicy": "Unlimited"}
    made = await http.post(url, json=body, headers=headers, timeout=60)
    application_id = str(made.raise_for_status().json()["applicationId"])
    manager = {"keyType": "PRODUCTION", "keyManager": "Resident Key Manager"}
    key = manager | {"grantTypesToBeSupported": ["client_credentials"]}
    where = f"{url}/{application_id}/generate-keys"
    (await http.post(where, json=key, headers=headers, timeout=60)).raise_for_status()
    return application_id
