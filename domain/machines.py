"""Every machine by the type of its workflow."""

from typing import Any

from domain import (
    agent_appointment,
    connection,
    credential,
    onboarding,
    permission,
    person,
    producer_agreement,
    reconciliation_run,
)
from domain.machine import Machine

MACHINES: dict[str, Machine[Any]] = {
    machine.name: machine
    for machine in (
        onboarding.MACHINE,
        connection.MACHINE,
        agent_appointment.MACHINE,
        producer_agreement.MACHINE,
        permission.MACHINE,
        credential.MACHINE,
        person.MACHINE,
        reconciliation_run.MACHINE,
    )
}
