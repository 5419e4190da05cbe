"""What a credential does to the world."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of

with workflow.unsafe.imports_passed_through():
    from activities import portal
    from domain.credential import MACHINE
    from domain.credential_state import CredentialState
    from domain.policy import Policy
    from domain.state import Pending


def application_input(state: CredentialState, *_: object) -> portal.ApplicationInput:
    """Say which application is meant; its name tells a person what it is."""
    name = f"NGP {state.dataset_name} {state.organisation_name} ({state.environment})"
    return portal.ApplicationInput(
        key=state.workflow_id,
        name=name,
        system_account=state.system_account,
        application_id=state.application_id,
        former_id=state.former_id,
    )


def subscription_input(state: CredentialState, *_: object) -> portal.SubscriptionInput:
    """Say what the application is to be subscribed to."""
    return portal.SubscriptionInput(
        key=state.workflow_id,
        application_id=state.application_id or "",
        apis=tuple(state.apis),
    )


def key_input(state: CredentialState, want: Pending, policy: Policy) -> portal.KeyInput:
    """Say which key is to be issued, to whom it is offered and for how long."""
    assert state.holder is not None
    return portal.KeyInput(
        key=state.workflow_id,
        application_id=state.application_id or "",
        generation=state.generation,
        environment=state.environment,
        offered_to=state.holder.account_id or state.holder.email,
        system_account=state.system_account,
        wanted_since=want.since,
        offer_days=policy.key_offer_days,
        old_secrets=tuple(state.rotation.old_secrets) if state.rotation else (),
    )


def secrets_input(state: CredentialState, *_: object) -> portal.SecretsInput:
    """Say which key is looked at, and which of its secrets are old."""
    return portal.SecretsInput(
        application_id=state.application_id or "",
        secrets=tuple(state.rotation.old_secrets) if state.rotation else (),
    )


@workflow.defn
@takes_steps_of(MACHINE)
class Credential(Durable[CredentialState]):
    """One application, one subscription and one living key at one portal."""

    machine = MACHINE
    operations: ClassVar[dict[str, Operation]] = {
        "create_application": Operation(
            portal.Portal.create_application, application_input, "application_created"
        ),
        "claim_application": Operation(
            portal.Portal.claim_application, application_input, "application_claimed"
        ),
        "await_application": Operation(
            portal.Portal.await_application, application_input, "application_created"
        ),
        "subscribe": Operation(portal.Portal.subscribe, subscription_input, "subscribed"),
        "await_subscription": Operation(
            portal.Portal.await_subscription, subscription_input, "subscribed"
        ),
        "issue_key": Operation(portal.Portal.issue_key, key_input, "key_issued"),
        "await_key": Operation(portal.Portal.await_key, secrets_input, "key_approved"),
        "list_secrets": Operation(portal.Portal.list_secrets, secrets_input, "secrets_listed"),
        "add_secret": Operation(portal.Portal.add_secret, key_input, "secret_added"),
        "end_old_secrets": Operation(
            portal.Portal.end_old_secrets, secrets_input, "old_secrets_ended", shuts_off=True
        ),
        "cancel_offer": Operation(
            portal.Offers.cancel_offer,
            lambda state, *_: portal.OfferInput(offer_id=state.offer_id or ""),
            "offer_cancelled",
        ),
        "revoke_keys": Operation(
            portal.Portal.revoke_keys, subscription_input, "keys_revoked", shuts_off=True
        ),
        "remove_application": Operation(
            portal.Portal.remove_application,
            application_input,
            "application_gone",
            shuts_off=True,
        ),
    }

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run as long as the key may live."""
        del start
        return await self.live()
