"""Settings: the only place that reads the environment (but for Temporal's own variables)."""

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

ROOT = Path(__file__).parents[1]
SHORTEST_SECRET = 16


class SecretFiles(PydanticBaseSettingsSource):
    """Secrets in files, as orchestrators mount them: `NAME_FILE` names the file that holds `NAME`.

    Raises:
        ValueError: both are given, or the file cannot be read.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the content of a secret's file, if one is named."""
        name = field_name.upper()
        path = os.environ.get(f"{name}_FILE")
        if field.annotation is not SecretStr or path is None:
            return None, field_name, False
        if name in os.environ:
            raise ValueError(f"{name} and {name}_FILE are both given")
        try:
            return Path(path).read_text("utf-8").strip(), field_name, False
        except OSError as error:
            raise ValueError(f"{name}_FILE: {error.strerror}: {path}") from None

    def __call__(self) -> dict[str, Any]:
        """Return every secret that is in a file."""
        fields = self.settings_cls.model_fields.items()
        found = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """Where everything is. Secrets are never shown, not even when they are wrong."""

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True)

    environment: Literal["development", "production"] = "production"
    database_dsn: SecretStr
    key_file: Path
    policy_file: Path = ROOT / "policy" / "policy.yaml"
    texts_file: Path = ROOT / "policy" / "texts.yaml"
    data_dir: Path = ROOT / "data"
    forms_dir: Path = ROOT / "forms"
    case_number_prefix: str = Field(default="NGP", pattern="^[A-Z]{2,8}$")
    account_system_url: str
    account_system_token: SecretStr
    agreement_register_url: str
    agreement_register_token: SecretStr
    portal_verification_url: str
    portal_verification_token: SecretStr
    portal_production_url: str
    portal_production_token: SecretStr
    delivery_api_url: str
    delivery_api_token: SecretStr
    mail_host: str
    mail_port: int = 25
    mail_sender: str = "ngp@lantmateriet.example"
    listen_host: str = "127.0.0.1"
    health_port: int = 0
    metrics_port: int = 0
    log_level: str = "INFO"
    max_cached_workflows: int = 400

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment, then the files that it names."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, SecretFiles(settings_cls)

    @model_validator(mode="after")
    def _tokens_are_no_placeholders(self) -> Self:
        if self.environment == "production":
            short = [
                name.upper()
                for name in type(self).model_fields
                if name.endswith("_token")
                and len(getattr(self, name).get_secret_value()) < SHORTEST_SECRET
            ]
            if short:
                raise ValueError(f"shorter than {SHORTEST_SECRET} characters: {', '.join(short)}")
        return self


class StackSettings(BaseSettings):
    """What can be chosen about a stack on one machine."""

    model_config = SettingsConfigDict(env_prefix="NGP_", extra="ignore")

    temporal_store: Literal["sqlite", "postgres"] = "sqlite"
    database_dsn: SecretStr | None = None
