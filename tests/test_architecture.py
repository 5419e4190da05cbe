"""The layout is the architecture: who may import whom, purity, sizes, names."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.stack import HTTP_SIMULATORS

ROOT = Path(__file__).parents[1]
OURS = {
    "domain": set(),
    "workflows": {"domain", "activities", "workflows"},
    "activities": {"domain", "adapters", "records", "activities"},
    "adapters": {"domain", "adapters"},
    "records": {"domain", "records"},
    "runtime": {"runtime"},
    "simulators": {"simulators"},
    "commands": {"commands", "domain", "workflows", "records", "runtime"},
}
# Formats without a system behind them, which the command line reads and writes too
# (docs/decisions/0004-formats-are-shared.md).
FORMATS = {"adapters.pdf_forms", "adapters.pdf_inspection", "adapters.organisation_registers"}
# What is neither ours nor the standard library's.
OUTSIDE = {
    "domain": {"pydantic", "pydantic_core"},
    "workflows": {"pydantic", "temporalio"},
    "activities": {"asyncpg", "google", "prometheus_client", "pydantic", "temporalio"},
    "adapters": {
        "aiosmtplib",
        "httpx",
        "pydantic",
        "pypdf",
        "scim2_client",
        "scim2_models",
        "yaml",
    },
    "records": {"asyncpg", "cryptography", "pydantic"},
    "runtime": {
        "asyncpg",
        "cryptography",
        "google",
        "pydantic",
        "pydantic_settings",
        "structlog",
        "temporalio",
        "yaml",
    },
    "simulators": {
        "aiosmtpd",
        "authlib",
        "scim2_models",
        "scim2_server",
        "starlette",
        "uvicorn",
    },
    "commands": {"asyncpg", "cyclopts", "httpx", "pydantic", "rich", "temporalio", "yaml"},
}
NEVER = {
    package: {"os", "random", "secrets", "time", "uuid"} for package in ("domain", "workflows")
}
FORBIDDEN_CALLS = {"uuid4", "now", "utcnow", "today", "time", "monotonic"}
FORBIDDEN_NAMES = {"utils", "shared", "common", "helpers", "models", "manager"}
FUNCTION_LINES, FUNCTION_HARD = 40, 70
FILE_LINES, FILE_HARD = 250, 400


def _files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _all_files() -> list[Path]:
    return [*ROOT.glob("*.py")] + [path for package in OURS for path in _files(package)]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", sorted(OURS))
def test_arrows_go_one_way(package: str) -> None:
    """Each package imports only the packages of ours that the architecture allows."""
    allowed = OURS[package] | {package}
    wrong = []
    for path in _files(package):
        for name in _imports(path):
            top = name.partition(".")[0]
            is_ours = top in OURS or top in {"worker", "starter", "tests"}
            is_format = package == "commands" and any(name.startswith(f) for f in FORMATS)
            if is_ours and top not in allowed and not is_format:
                wrong.append(f"{path.relative_to(ROOT)}: {name}")

    assert wrong == []


@pytest.mark.parametrize("package", sorted(NEVER))
def test_packages_stay_away_from_what_they_must_not_know(package: str) -> None:
    """The domain and the workflows know neither machine, clock nor random source."""
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in _files(package)
        for name in _imports(path)
        if name.partition(".")[0] in NEVER[package]
    ]

    assert wrong == []


@pytest.mark.parametrize("package", sorted(OUTSIDE))
def test_packages_use_only_what_is_listed(package: str) -> None:
    """The domain knows no system, adapters and records no Temporal, workflows no clients."""
    known = OUTSIDE[package] | OURS.keys() | sys.stdlib_module_names
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in _files(package)
        for name in _imports(path)
        if name.partition(".")[0] not in known
    ]

    assert wrong == []


def test_the_command_line_reaches_what_its_commands_reach() -> None:
    """`starter.py` is under the rule of `commands`."""
    names = {name.partition(".")[0] for name in _imports(ROOT / "starter.py")}

    assert names & OURS.keys() <= OURS["commands"]
    assert names - sys.stdlib_module_names <= OURS["commands"] | OUTSIDE["commands"]


def test_domain_and_workflows_are_pure() -> None:
    """Nothing in them asks a clock or a random source: the same acts, the same state.

    The sandbox does not watch the domain, nor what all workflows share.
    """
    wrong = []
    for path in [*_files("domain"), *_files("workflows")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                named = owner.attr if isinstance(owner, ast.Attribute) else ast.unparse(owner)
                if named in {"datetime", "date"} and node.func.attr in FORBIDDEN_CALLS:
                    wrong.append(f"{path.name}:{node.lineno}")
            if isinstance(node, ast.keyword) and node.arg == "default_factory":
                value = node.value
                is_plain = isinstance(value, ast.Name) and value.id in {"list", "dict", "set"}
                if not is_plain:
                    wrong.append(f"{path.name}:{value.lineno}")

    assert wrong == []


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.name}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_functions_are_short() -> None:
    """A function has at most 70 lines, and nearly all have at most 40."""
    sizes = [each for path in _all_files() for each in _functions(path)]

    assert [each for each in sizes if each[1] > FUNCTION_HARD] == []
    assert len([each for each in sizes if each[1] > FUNCTION_LINES]) <= len(sizes) // 50


def test_files_are_short() -> None:
    """No file has more than 400 lines that are not blank, and few have more than 250."""
    sizes = {
        path: sum(bool(line.strip()) for line in path.read_text("utf-8").splitlines())
        for path in _all_files()
    }

    assert [path.name for path, lines in sizes.items() if lines > FILE_HARD] == []
    assert sum(lines > FILE_LINES for lines in sizes.values()) <= len(sizes) // 8


def test_names_say_what_a_file_holds() -> None:
    """No file is a grab-bag by name, and `workflows/__init__.py` stays empty."""
    assert [path.name for path in _all_files() if path.stem in FORBIDDEN_NAMES] == []
    assert (ROOT / "workflows" / "__init__.py").read_text("utf-8") == ""


def test_only_one_file_connects_to_temporal() -> None:
    """Clients are made in one place, so that all share converter, codec and interceptors."""
    found = [
        path.relative_to(ROOT).as_posix()
        for path in _all_files()
        if "Client.connect(" in path.read_text("utf-8")
    ]

    assert found == ["runtime/temporal.py", "runtime/temporal_server.py"]


def test_workflows_are_asked_from_one_place() -> None:
    """So that each asks again while there is nobody to ask; an activity is tried again anyway."""
    found = [
        path.relative_to(ROOT).as_posix()
        for path in _all_files()
        if '.query("' in path.read_text("utf-8")
    ]

    assert found == ["activities/messages.py"]


def test_no_file_is_dead() -> None:
    """Every module is imported by another one, or is a program."""
    simulators = {*HTTP_SIMULATORS.values(), "mail"}
    programs = {"worker", "starter"} | {f"simulators.{name}" for name in simulators}
    imported = {name for path in _all_files() for name in _imports(path)}
    dead = []
    for path in _all_files():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if path.stem != "__init__" and name not in programs | imported:
            dead.append(name)

    assert dead == []


def test_our_top_level_names_are_ours() -> None:
    """An installed package of the same name must not be imported instead of ours."""
    for package in OURS:
        module = __import__(package)
        assert module.__file__ is not None
        assert Path(module.__file__).is_relative_to(ROOT), package
    assert str(ROOT) in sys.path or "" in sys.path
