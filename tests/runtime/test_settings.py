from pathlib import Path

import pytest
from pydantic import ValidationError

from runtime.settings import Settings

SECRET = "planted-secret-4711-planted"
SECRETS = (
    "DATABASE_DSN",
    "ACCOUNT_SYSTEM_TOKEN",
    "AGREEMENT_REGISTER_TOKEN",
    "PORTAL_VERIFICATION_TOKEN",
    "PORTAL_PRODUCTION_TOKEN",
    "DELIVERY_API_TOKEN",
)
PLAIN = {
    "KEY_FILE": "keys.json",
    "ACCOUNT_SYSTEM_URL": "http://account-system.example",
    "AGREEMENT_REGISTER_URL": "http://register.example",
    "PORTAL_VERIFICATION_URL": "http://verification.example",
    "PORTAL_PRODUCTION_URL": "http://production.example",
    "DELIVERY_API_URL": "http://deliveries.example",
    "MAIL_HOST": "mail.example",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole environment, every secret the planted one."""
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    for name, value in (PLAIN | dict.fromkeys(SECRETS, SECRET)).items():
        monkeypatch.setenv(name, value)


def test_production_is_the_default() -> None:
    """Whoever forgets to say which environment it is gets the strict one."""
    assert Settings().environment == "production"


def test_secrets_are_never_printed() -> None:
    """Neither as text nor as data nor as JSON."""
    settings = Settings()

    shown = [repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()]

    assert all(SECRET not in text for text in shown)
    assert settings.account_system_token.get_secret_value() == SECRET


@pytest.mark.parametrize("wrong", [("MAIL_PORT", SECRET), ("ENVIRONMENT", SECRET)])
def test_an_error_shows_no_value(wrong: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that was put under the wrong name is not printed by the complaint."""
    monkeypatch.setenv(*wrong)

    with pytest.raises(ValidationError, match=wrong[0].lower()) as caught:
        Settings()

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_comes_from_a_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`NAME_FILE` names the file; the line's end is not part of the secret."""
    (tmp_path / "secret").write_text("from-a-file-4711-planted\n", "utf-8")
    monkeypatch.delenv(name)
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))

    settings = Settings()

    assert getattr(settings, name.lower()).get_secret_value() == "from-a-file-4711-planted"


def test_a_secret_given_twice_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to guess which of the two counts."""
    monkeypatch.setenv("DATABASE_DSN_FILE", str(tmp_path / "secret"))

    with pytest.raises(Exception, match="DATABASE_DSN and DATABASE_DSN_FILE are both given"):
        Settings()


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The complaint says which variable and which file."""
    monkeypatch.delenv("DATABASE_DSN")
    monkeypatch.setenv("DATABASE_DSN_FILE", str(tmp_path / "gone"))

    with pytest.raises(Exception, match="DATABASE_DSN_FILE: No such file"):
        Settings()


@pytest.mark.parametrize("name", [name for name in SECRETS if name.endswith("_TOKEN")])
def test_placeholders_are_for_development(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short token is taken in development and refused, by name, elsewhere."""
    monkeypatch.setenv(name, "token")
    with pytest.raises(ValidationError, match=f"shorter than 16 characters: {name}"):
        Settings()

    monkeypatch.setenv("ENVIRONMENT", "development")

    assert Settings().environment == "development"


@pytest.mark.parametrize("name", [*SECRETS, *PLAIN])
def test_nothing_has_a_default_that_works_by_chance(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address or a secret that is not given is asked for."""
    monkeypatch.delenv(name)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()
