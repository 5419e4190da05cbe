"""The worker: composition root. Settings become adapters, adapters become activities.

Every workflow and activity is named here. Each outside system has a task queue of its own with
its own slots, so that one that hangs starves nobody else.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import yaml
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    OpenTelemetryConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from activities.accounts import Accounts
from activities.deliveries import Deliveries
from activities.findings import Findings
from activities.incidents import IncidentInterceptor
from activities.lookups import LookUps
from activities.messages import Messages
from activities.notices import Notices
from activities.portal import Offers, Portal
from activities.reconciliation import AccountLooks, PortalLooks, RegisterLooks
from activities.record import Records
from activities.register import Agreements
from activities.watching import Watch
from adapters.account_system import AccountSystem
from adapters.agreement_register import AgreementRegister
from adapters.api_portal import ApiPortal
from adapters.delivery_api import DeliveryApi
from adapters.mail import Mail
from adapters.organisation_registers import OrganisationRegisters
from adapters.pdf_forms import Forms
from domain.credential_state import pickup_word
from domain.policy import Policy
from domain.state import System
from domain.texts import Texts
from records import secrets
from records.database import connect as connect_records
from records.keys import FileKeyRing
from records.migrate import is_current
from runtime.health import HealthServer
from runtime.log_setup import set_up_logging
from runtime.settings import Settings
from runtime.temporal import connect, make_plugin
from runtime.temporal_schedules import Nightly, keep_schedule
from workflows.appointment import AgentAppointment
from workflows.case import TASK_LIMIT, WORKFLOW_QUEUE, Durable
from workflows.connection import DatasetConnection
from workflows.credential import Credential
from workflows.onboarding import ProducerOnboarding
from workflows.permission import Permission
from workflows.person import PersonAccess
from workflows.producer_agreement import ProducerAgreement
from workflows.reconciliation import AccessReconciliation

WORKFLOWS: list[type[Durable[Any]]] = [
    ProducerOnboarding,
    DatasetConnection,
    AgentAppointment,
    ProducerAgreement,
    Permission,
    Credential,
    PersonAccess,
    AccessReconciliation,
]
RECONCILIATION = Nightly(
    schedule_id="access-reconciliation",
    workflow="AccessReconciliation",
    workflow_id="reconciliation/nightly",
    hour=2,
    minute=30,
    time_zone="Europe/Stockholm",
)
# What is done from the workflows' own queue a worker is given along with the answer to its task:
# that saves the way through the queue, for what is done most.
SLOTS = {System.RECORDS: 10, System.CASES: 40}
SLOTS_OUTSIDE = 10
# This and the next: docs/decisions/0014-the-workers-settings.md.
# Workflow tasks are computing and no waiting: more at once would make each of them longer, past its
# limit when a worker takes over what another held. Those that wait in the queue have no limit.
WORKFLOW_TASKS_AT_ONCE = 4
# A look through all that a worker holds stops it for 0.2 to 0.3 s; at Python's own thresholds one
# comes every few seconds under load, and at higher ones than these what was let go piles up.
GARBAGE_THRESHOLDS = (2_000, 10, 5)
# How long a task waits for the worker that holds its workflow before any other may take it.
STICKY_LIMIT = timedelta(milliseconds=500)
PICKUP_LOOK_SECONDS = 10
WATCH_SECONDS = 15
POLLED_LATELY = timedelta(seconds=120)

log = logging.getLogger("worker")
Activity = Callable[..., Any]


def read_policy(settings: Settings) -> Policy:
    """Read and validate the policy file."""
    return Policy.model_validate(yaml.safe_load(settings.policy_file.read_text("utf-8")))


def read_texts(settings: Settings) -> Texts:
    """Read and validate the texts file."""
    return Texts.model_validate(yaml.safe_load(settings.texts_file.read_text("utf-8")))


@dataclass(frozen=True)
class Adapters:
    """The outside systems, each behind its adapter."""

    accounts: AccountSystem
    register: AgreementRegister
    portals: dict[System, ApiPortal]
    deliveries: DeliveryApi
    mail: Mail

    async def close(self) -> None:
        """Close all connections."""
        for portal in self.portals.values():
            await portal.close()
        await self.accounts.close()
        await self.register.close()
        await self.deliveries.close()


def build_adapters(settings: Settings) -> Adapters:
    """Return the adapters that the settings describe."""
    return Adapters(
        AccountSystem(
            settings.account_system_url, settings.account_system_token.get_secret_value()
        ),
        AgreementRegister(
            settings.agreement_register_url, settings.agreement_register_token.get_secret_value()
        ),
        {
            System.PORTAL_VERIFICATION: ApiPortal(
                settings.portal_verification_url,
                settings.portal_verification_token.get_secret_value(),
                system=System.PORTAL_VERIFICATION,
            ),
            System.PORTAL_PRODUCTION: ApiPortal(
                settings.portal_production_url,
                settings.portal_production_token.get_secret_value(),
                system=System.PORTAL_PRODUCTION,
            ),
        },
        DeliveryApi(settings.delivery_api_url, settings.delivery_api_token.get_secret_value()),
        Mail(settings.mail_host, settings.mail_port, settings.mail_sender),
    )


def build_activities(
    settings: Settings, adapters: Adapters, pool: asyncpg.Pool, client: Client, keys: FileKeyRing
) -> dict[System, list[Activity]]:
    """Return every activity by the queue it is done from."""
    policy = read_policy(settings)
    accounts, register = Accounts(adapters.accounts), Agreements(adapters.register)
    notices = Notices(adapters.mail, read_texts(settings), policy, pool, keys)
    records = Records(pool, policy, settings.case_number_prefix)
    registers = OrganisationRegisters(settings.data_dir)
    lookups = LookUps(registers, Forms(settings.forms_dir), pool)
    messages = Messages(client, WORKFLOW_QUEUE, TASK_LIMIT, policy)
    findings, looks = Findings(pool, client, messages), AccountLooks(adapters.accounts, pool)
    portals = {
        system: _portal_activities(Portal(portal, pool, keys), PortalLooks(portal, pool))
        for system, portal in adapters.portals.items()
    }
    return {
        System.CASES: [
            records.record,
            messages.tell,
            messages.enrol,
            messages.enrol_at_dataset,
            messages.wake,
            findings.deal,
        ],
        System.RECORDS: [
            records.current_policy,
            lookups.look_up_organisation,
            lookups.check_form,
            Offers(pool).cancel_offer,
            findings.compare,
            findings.close,
        ],
        System.ACCOUNT_SYSTEM: [
            accounts.find_or_create_organisation,
            accounts.find_or_create_person,
            accounts.look_up_owner,
            accounts.activate_person,
            accounts.disable_person,
            accounts.create_system_account,
            accounts.claim_system_account,
            accounts.disable_system_account,
            looks.list_system_accounts,
            looks.look_at_people,
        ],
        System.AGREEMENT_REGISTER: [
            register.register_agreement,
            register.find_registrations,
            register.end_agreement,
            register.withdraw_registration,
            RegisterLooks(adapters.register, pool).list_agreements,
        ],
        System.DELIVERY_API: [Deliveries(adapters.deliveries).fetch_report],
        System.MAIL: [notices.send_notice],
        **portals,
    }


def _portal_activities(portal: Portal, looks: PortalLooks) -> list[Activity]:
    return [
        portal.create_application,
        portal.claim_application,
        portal.await_application,
        portal.subscribe,
        portal.await_subscription,
        portal.issue_key,
        portal.await_key,
        portal.list_secrets,
        portal.add_secret,
        portal.end_old_secrets,
        portal.revoke_keys,
        portal.remove_application,
        looks.list_applications,
        looks.count_keys,
    ]


def build_workers(
    client: Client,
    activities: dict[System, list[Activity]],
    interceptor: IncidentInterceptor,
    *,
    max_cached_workflows: int = 400,
    workflows: Sequence[type] = WORKFLOWS,
) -> list[Worker]:
    """Return a worker for each queue; the one for `cases` runs the workflows too."""
    return [
        Worker(
            client,
            task_queue=system,
            activities=done,
            workflows=workflows if system == WORKFLOW_QUEUE else [],
            interceptors=[interceptor],
            max_concurrent_activities=SLOTS.get(system, SLOTS_OUTSIDE),
            max_concurrent_workflow_tasks=WORKFLOW_TASKS_AT_ONCE
            if system == WORKFLOW_QUEUE
            else None,
            max_cached_workflows=max_cached_workflows if system == WORKFLOW_QUEUE else 0,
            sticky_queue_schedule_to_start_timeout=STICKY_LIMIT,
            graceful_shutdown_timeout=timedelta(seconds=20),
        )
        for system, done in activities.items()
    ]


async def tell_pickups(pool: asyncpg.Pool, client: Client) -> None:
    """Tell credentials of keys that were fetched, should the word have been lost on its way.

    One that cannot be told holds up no other; one that has ended needs no word.
    """
    for offer_id, ref in await secrets.untold(pool):
        try:
            await client.get_workflow_handle(ref).signal("heard", pickup_word(offer_id))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                log.warning("a fetched key could not be told", extra={"status": error.status.name})
                continue
        await secrets.mark_told(pool, offer_id, datetime.now(UTC))


async def _keep_telling_pickups(pool: asyncpg.Pool, client: Client) -> None:
    while True:
        try:
            await tell_pickups(pool, client)
        except Exception:  # noqa: BLE001 - it tries again
            log.warning("fetched keys could not be told")
        await asyncio.sleep(PICKUP_LOOK_SECONDS)


def shutting_off() -> list[str]:
    """Return the operations that shut something off."""
    every = {name: operation for each in WORKFLOWS for name, operation in each.operations.items()}
    return sorted(name for name, operation in every.items() if operation.shuts_off)


async def _keep_watching(watch: Watch) -> None:
    while True:
        await watch.look()
        await asyncio.sleep(WATCH_SECONDS)


async def polls(client: Client) -> bool:
    """Whether this very worker has polled for workflow tasks lately."""
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=WORKFLOW_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    now = datetime.now(UTC)
    return any(
        poller.identity == client.identity
        and now - poller.last_access_time.ToDatetime(UTC) < POLLED_LATELY
        for poller in described.pollers
    )


def _runtime(settings: Settings) -> Runtime:
    metrics: PrometheusConfig | OpenTelemetryConfig | None = None
    if settings.metrics_port:
        metrics = PrometheusConfig(
            bind_address=f"{settings.listen_host}:{settings.metrics_port}",
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
        )
    core = LogForwardingConfig(
        logging.getLogger("temporalio.core"),
        append_target_to_name=False,
        prepend_target_on_message=False,
        append_log_fields_to_message=False,  # they go along as fields (runtime/log_setup.py)
    )
    heard = LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), core)
    return Runtime(telemetry=TelemetryConfig(logging=heard, metrics=metrics))


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then finish what is under way."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    keys = FileKeyRing(settings.key_file)
    pool = await connect_records(settings.database_dsn.get_secret_value())
    client = await connect(make_plugin(keys), runtime=_runtime(settings))
    adapters = build_adapters(settings)
    workers = build_workers(
        client,
        build_activities(settings, adapters, pool, client, keys),
        IncidentInterceptor(pool, client),
        max_cached_workflows=settings.max_cached_workflows,
    )
    watch = Watch(pool, client, shutting_off())
    health = HealthServer(
        {
            "polls": lambda: polls(client),
            "migrations": lambda: is_current(pool),
        },
        watch.text,
    )
    start = {"policy": read_policy(settings).model_dump(mode="json")}
    await keep_schedule(
        client, RECONCILIATION, start, task_queue=WORKFLOW_QUEUE, task_limit=TASK_LIMIT
    )
    port = await health.start(settings.health_port, settings.listen_host)
    log.info("worker started, health on port %s", port)
    async with contextlib.AsyncExitStack() as running:
        for worker in workers:
            await running.enter_async_context(worker)
        looking = [
            asyncio.create_task(_keep_telling_pickups(pool, client)),
            asyncio.create_task(_keep_watching(watch)),
        ]
        await stop.wait()
        for task in looking:
            task.cancel()
    await health.stop()
    await adapters.close()
    await pool.close()


def main() -> None:
    """Start from the command line."""
    gc.freeze()  # what the imports made stays, and is not looked through again
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    settings = Settings()
    set_up_logging(settings.log_level)
    code = 0
    try:
        asyncio.run(run(settings))
    except Exception:
        log.exception("the worker stopped")
        code = 1
    sys.stdout.flush()
    logging.shutdown()
    os._exit(code)  # the SDK's threads can abort an ordinary exit after the work is done


if __name__ == "__main__":
    main()
