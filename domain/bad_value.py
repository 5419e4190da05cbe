"""The error of a field whose value breaks a rule."""

from domain.text import Text


class BadValue(ValueError):
    """A value that breaks a rule of its field; carries the code and text for people."""

    def __init__(self, code: str, text: Text) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
