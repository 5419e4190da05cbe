"""Settings: the only place that reads the environment (but for Temporal's own variables)."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).parents[1]


class Settings(BaseSettings):
    """Where everything is. Tokens may also be given as files in the folder `SECRETS_DIR`."""

    model_config = SettingsConfigDict(extra="ignore")

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
    health_port: int = 0
    metrics_port: int = 0
    log_level: str = "INFO"
    max_cached_workflows: int = 1000
