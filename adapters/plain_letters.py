"""Names in the letters a to z, for systems that take no others."""

import unicodedata
from typing import Final

# What Unicode does not take apart into a letter and an accent.
PLAIN: Final = {"ø": "o", "æ": "ae", "ß": "ss", "đ": "d", "ð": "d", "ł": "l", "þ": "th"}
TABLE: Final = str.maketrans(
    PLAIN | {sign.upper(): to.title() for sign, to in PLAIN.items() if sign != "ß"}
)


def plain(text: str) -> str:
    """Return a text without accents: `Åsa Öberg` is `Asa Oberg`."""
    apart = unicodedata.normalize("NFKD", text.translate(TABLE))
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
