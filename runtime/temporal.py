"""The connection to Temporal: the only place that makes a client, and the one plugin for all."""

from collections.abc import Mapping, Sequence
from typing import Any

from temporalio.client import Client
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
)
from temporalio.envconfig import ClientConfig
from temporalio.plugin import SimplePlugin
from temporalio.worker import Interceptor, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from runtime.codec import EncryptingCodec, Keys
from runtime.sandbox import ContextFreeRunner

# Ours, imported once and not for each instance; tests/test_architecture.py holds them to purity.
PASSED_THROUGH = (
    "activities",
    "adapters",
    "domain",
    "records",
    "annotated_types",
    "asyncpg",
    "cryptography",
    "dns",
    "email_validator",
    "google",
    "httpx",
    "idna",
    "pydantic",
    "pydantic_core",
    "pypdf",
    "structlog",
    "workflows",
    "yaml",
    "zoneinfo",
)


def _runner(existing: WorkflowRunner | None) -> WorkflowRunner:
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    del existing
    return ContextFreeRunner(restrictions=restrictions)


def make_plugin(keys: Keys, interceptors: Sequence[Interceptor] = ()) -> SimplePlugin:
    """Return the plugin that client, worker, replayer and tests share."""
    converter = DataConverter(
        payload_converter_class=PydanticPayloadConverter,
        payload_codec=EncryptingCodec(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
    return SimplePlugin(
        "ngp-onboarding",
        data_converter=converter,
        interceptors=list(interceptors),
        workflow_runner=_runner,
    )


async def connect(
    plugin: SimplePlugin, *, environment: Mapping[str, str] | None = None, **overrides: Any
) -> Client:
    """Connect as an environment says: by `TEMPORAL_*` or a profile in `temporal.toml`.

    Args:
        plugin: of `make_plugin`.
        environment: taken instead of this program's own.
        overrides: taken instead of what the environment says.
    """
    config: dict[str, Any] = dict(
        ClientConfig.load_client_connect_config(
            override_env_vars=None if environment is None else dict(environment)
        )
    )
    config.setdefault("target_host", "127.0.0.1:7233")
    return await Client.connect(**(config | overrides), plugins=[plugin])
