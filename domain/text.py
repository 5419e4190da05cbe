"""Text for people, in Swedish and English."""

from pydantic import BaseModel, ConfigDict


class Text(BaseModel):
    """One text in both languages."""

    model_config = ConfigDict(frozen=True)

    sv: str
    en: str
