"""Building the server: what is said meanwhile, what is kept, and what is said when it fails."""

import asyncio
from pathlib import Path

import pytest

from runtime import temporal_source
from runtime.temporal_source import SERVER, VERSION, built_with_go

# Does what `go install PACKAGE@VERSION` does, as far as we rely on it.
GO = """#!/bin/sh
echo "$GOTOOLCHAIN $*" >> "{calls}"
mkdir -p "$GOBIN"
printf '#!/bin/sh\\n' > "$GOBIN/server"
chmod +x "$GOBIN/server"
"""
GO_THAT_FAILS = """#!/bin/sh
echo "go: module lookup disabled by GOPROXY=off" >&2
exit 1
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `go` on PATH that notes how it is called; the cache is empty."""
    noted = tmp_path / "calls"
    _put_go_on_path(tmp_path, monkeypatch, GO.format(calls=noted))
    return noted


def _put_go_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "bin" / "go"
    program.parent.mkdir()
    program.write_text(script, "utf-8")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


def test_the_server_is_built_once_and_it_is_said_how_long(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first time says what is done and for how long; from then on it is there."""
    first = asyncio.run(built_with_go(SERVER))
    said = capsys.readouterr().err
    second = asyncio.run(built_with_go(SERVER))

    assert first == second
    assert first.parent == temporal_source.cache_folder()
    assert f"Building {SERVER} {VERSION} with Go: five to ten minutes, once per user" in said
    assert "Built in" in said
    assert "" == capsys.readouterr().err
    assert calls.read_text("utf-8").splitlines() == [
        f"{temporal_source.GO_TOOLCHAIN} install {SERVER}@v{VERSION}"
    ]


def test_a_build_that_broke_off_is_begun_anew(calls: Path) -> None:
    """What was half made is not taken for the server."""
    half = temporal_source.cache_folder() / "building"
    half.mkdir(parents=True)
    (half / "server").write_text("half", "utf-8")

    program = asyncio.run(built_with_go(SERVER))

    assert program.read_text("utf-8").startswith("#!/bin/sh")
    assert calls.exists()
    assert not half.exists()


def test_a_build_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last lines of the builder are in the error, and nothing is kept."""
    _put_go_on_path(tmp_path, monkeypatch, GO_THAT_FAILS)

    with pytest.raises(RuntimeError, match=r"could not be built:\ngo: module lookup disabled"):
        asyncio.run(built_with_go(SERVER))

    assert not (temporal_source.cache_folder() / "server").exists()
