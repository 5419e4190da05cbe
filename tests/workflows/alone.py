"""A credential that a test starts by hand, without the permission that usually does."""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from activities.messages import HeardWord
from commands.demo import plain_http
from domain.act import Actor, Role
from domain.credential_state import credential_id
from records import secrets
from tests.world import World
from workflows.case import TASK_LIMIT, WORKFLOW_QUEUE

ORG_NUMBER = "212000-1363"
PATIENCE_SECONDS = 60.0
HANDLER = Actor(subject="hanna", name="Hanna Handläggare", role=Role.CASE_HANDLER)
OPERATOR = Actor(subject="olle", name="Olle Operatör", role=Role.OPERATOR)
ANNA = {"name": "Anna Lind", "email": "anna.lind@molndal.example", "account_id": "acc-anna"}
EVA = {"name": "Eva Ny", "email": "eva.ny@molndal.example", "account_id": "acc-eva"}
numbers = itertools.count(1)


def holder(person: dict[str, str]) -> Actor:
    """Return a person of the producer as the one who is logged in."""
    return Actor(
        subject=person["account_id"],
        name=person["name"],
        role=Role.PRODUCER_CONTACT,
        organisation=ORG_NUMBER,
    )


@dataclass
class Alone:
    """One credential at one portal."""

    world: World
    ref: str
    portal: str

    @classmethod
    async def begin(
        cls, world: World, environment: str = "verification", **changes: Any
    ) -> "Alone":
        """Start a credential of its own, as a permission would."""
        dataset = f"alone-{next(numbers)}"
        ref = credential_id(ORG_NUMBER, dataset, ORG_NUMBER, environment)
        begin = {
            "owner": f"permission/{ORG_NUMBER}/{dataset}/{ORG_NUMBER}",
            "org_number": ORG_NUMBER,
            "organisation_name": "Mölndals kommun",
            "dataset_id": dataset,
            "dataset_name": dataset,
            "party": ORG_NUMBER,
            "environment": environment,
            "apis": ["NGP Uppdatering"],
            "system_account": "abcd1234",
            "holder": ANNA,
        }
        await start(world, "Credential", ref, begin | changes)
        world.opened.append(ref)
        return cls(world, ref, f"portal_{environment}")

    async def say(self, what: str, **content: Any) -> None:
        """Tell it a word."""
        word = _word(what, content)
        await self.world.handle(self.ref).signal("heard", word)

    async def step(self, name: str, actor: Actor, payload: object = None) -> dict[str, Any]:
        """Take a step."""
        return await self.world.step(self.ref, name, actor, payload)

    async def state(self) -> dict[str, Any]:
        """Return its state."""
        return await self.world.state(self.ref)

    async def until(self, holds: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Wait until its state is as expected."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            state = await self.state()
            if holds(state):
                return state
            assert time.monotonic() < deadline, f"{what}: {state['stage']} {state['pending']}"
            await asyncio.sleep(0.1)

    async def stage(self, stage: str) -> dict[str, Any]:
        """Wait until it is in a stage and nothing more is wanted of the portal."""
        return await self.until(lambda s: s["stage"] == stage and not s["pending"], stage)

    async def wants(self, operation: str) -> None:
        """Wait until it wants an operation."""
        await self.until(
            lambda s: operation in [each["operation"] for each in s["pending"]], operation
        )

    # ---- the key -------------------------------------------------------------------------

    async def unsealed(self, person: dict[str, str] = ANNA) -> dict[str, str]:
        """Fetch the key that is offered, and let the credential know."""
        context, state = self.world.context, await self.stage("offered")
        token = await secrets.token_of(context.pool, context.keys, state["offer_id"])
        now = datetime.now(UTC)
        claimed = await secrets.claim(
            context.pool, context.keys, token=token, subject=person["account_id"], now=now
        )
        await self.say("picked_up", offer_id=claimed.offer_id)
        await self.stage("live")
        return claimed.payload

    async def token_status(self, key: dict[str, str]) -> int:
        """Ask the portal for a token with a key; 200 where the key lives."""
        async with plain_http() as http:
            answer = await http.post(
                f"{self.world.addresses[self.portal]}/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=(key["consumer_key"], key["consumer_secret"]),
            )
        return answer.status_code

    async def applications(self) -> list[dict[str, Any]]:
        """Return the applications at the portal that carry its key."""
        held = (await self.world.outside(self.portal))["applications"]
        return [each for each in held if each["key"] == self.ref]


async def start(
    world: World, kind: str, ref: str, content: dict[str, Any], *, word: str = "begin"
) -> None:
    """Start a workflow with a word."""
    await world.client.start_workflow(
        kind,
        {"policy": world.context.policy.model_dump(mode="json")},
        id=ref,
        task_queue=WORKFLOW_QUEUE,
        task_timeout=TASK_LIMIT,
        start_signal="heard",
        start_signal_args=[_word(word, content)],
    )


def _word(what: str, content: dict[str, Any]) -> HeardWord:
    return HeardWord(message_id=f"test#{next(numbers)}", sender="test", what=what, content=content)
