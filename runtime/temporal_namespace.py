"""The namespace and its search attributes: registered, and seen by doing what a workflow does.

A search attribute that the server does not know stops a workflow for ever when it is set, and
each part of the server has a memory of its own of what is known.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.command.v1 import (
    Command,
    CompleteWorkflowExecutionCommandAttributes,
    UpsertWorkflowSearchAttributesCommandAttributes,
)
from temporalio.api.common.v1 import SearchAttributes, WorkflowType
from temporalio.api.enums.v1 import CommandType, IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    PollWorkflowTaskQueueRequest,
    RegisterNamespaceRequest,
    RespondWorkflowTaskCompletedRequest,
    StartWorkflowExecutionRequest,
)
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.converter import encode_search_attributes
from temporalio.service import RPCError, RPCStatusCode

RETENTION = timedelta(days=30)
KINDS = {
    "text": IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
    "keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "keyword_list": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}
NOT_YET = {
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
}
TRIAL = "trial-of-search-attributes"
TRIAL_SECONDS = timedelta(seconds=5)


async def register_namespace(client: Client) -> None:
    """Register the client's namespace unless it is there."""
    retention = Duration()
    retention.FromTimedelta(RETENTION)
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(
                namespace=client.namespace, workflow_execution_retention_period=retention
            )
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
    await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )


async def register_search_attributes(client: Client, wanted: Mapping[str, str]) -> list[str]:
    """Register search attributes (name to kind) that are missing; returns which were.

    Raises:
        RuntimeError: one of them is registered already as another kind.
    """
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    known = dict(listed.custom_attributes)
    if other := [
        name for name, kind in wanted.items() if known.get(name, KINDS[kind]) != KINDS[kind]
    ]:
        raise RuntimeError(f"search attributes of another kind than ours are registered: {other}")
    missing = {name: KINDS[kind] for name, kind in wanted.items() if name not in known}
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
    return [*missing]


async def wait_until_usable(
    client: Client, wanted: Mapping[str, str], *, seconds: float = 60
) -> None:
    """Wait until a workflow of the namespace can be started and can set the search attributes.

    Raises:
        RuntimeError: it cannot within that time; says why.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            if await _try_out(client, _values(wanted)):
                return
            reason = "a workflow could not set them"
        except RPCError as error:
            if error.status not in NOT_YET:
                raise
            reason = error.message
        if asyncio.get_running_loop().time() > deadline:
            raise RuntimeError(f"search attributes cannot be used: {reason}")
        await asyncio.sleep(0.1)


def _values(wanted: Mapping[str, str]) -> SearchAttributes:
    """Return something for each attribute whose kind the server might mistake."""
    pairs: list[SearchAttributePair[str] | SearchAttributePair[datetime]] = []
    for name, kind in wanted.items():
        if kind == "keyword":
            pairs.append(SearchAttributePair(SearchAttributeKey.for_keyword(name), "trial"))
        elif kind == "datetime":
            pairs.append(
                SearchAttributePair(SearchAttributeKey.for_datetime(name), datetime.now(UTC))
            )
    encoded = SearchAttributes()
    encode_search_attributes(TypedSearchAttributes(pairs), encoded)
    return encoded


async def _try_out(client: Client, values: SearchAttributes) -> bool:
    """Run one workflow by hand: it starts with the attributes, sets them, and completes."""
    service = client.workflow_service
    queue = TaskQueue(name=f"{TRIAL}-{uuid.uuid4()}")
    limit = Duration()
    limit.FromTimedelta(TRIAL_SECONDS)
    await service.start_workflow_execution(
        StartWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_id=queue.name,
            workflow_type=WorkflowType(name=TRIAL),
            task_queue=queue,
            workflow_execution_timeout=limit,
            search_attributes=values,
            request_id=str(uuid.uuid4()),
        )
    )
    task = await service.poll_workflow_task_queue(
        PollWorkflowTaskQueueRequest(namespace=client.namespace, task_queue=queue),
        timeout=TRIAL_SECONDS,
    )
    if not task.task_token:
        return False
    await service.respond_workflow_task_completed(
        RespondWorkflowTaskCompletedRequest(
            namespace=client.namespace, task_token=task.task_token, commands=_commands(values)
        )
    )
    return True


def _commands(values: SearchAttributes) -> Sequence[Command]:
    return [
        Command(
            command_type=CommandType.COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
            upsert_workflow_search_attributes_command_attributes=(
                UpsertWorkflowSearchAttributesCommandAttributes(search_attributes=values)
            ),
        ),
        Command(
            command_type=CommandType.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
            complete_workflow_execution_command_attributes=(
                CompleteWorkflowExecutionCommandAttributes()
            ),
        ),
    ]
