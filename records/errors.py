"""Errors of the records; the docstring is the message."""


class RecordsError(Exception):
    """Something is wrong with the records."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(": ".join(filter(None, [(self.__doc__ or "").strip(), detail])))


class JournalConflictError(RecordsError):
    """The journal holds another line under the same key."""


class JournalGapError(RecordsError):
    """The journal lacks the lines before this one."""


class EditedMigrationError(RecordsError):
    """En körd migrering har ändrats / A migration that has been applied was edited."""


class OldPostgresError(RecordsError):
    """Postgres är för gammal, minst 15 behövs / Postgres is too old, 15 or later is needed."""


class BadCursorError(RecordsError):
    """The cursor is not one that this list gave."""


class UnknownDocumentError(RecordsError):
    """There is no such document."""


class DocumentTooLargeError(RecordsError):
    """The document is too large."""


class OfferOverError(RecordsError):
    """The offer is over: it was fetched, withdrawn or followed by a newer one."""


class UnreadableSecretError(RecordsError):
    """A sealed secret does not open: its key is not in the ring, or it was altered."""


class OfferError(RecordsError):
    """A key cannot be fetched."""


class UnknownTokenError(OfferError):
    """There is no such code."""


class NotYoursError(OfferError):
    """The key is offered to another person."""


class TooManyTriesError(OfferError):
    """Others have tried this code too often; the case handler can offer a new one."""


class AlreadyFetchedError(OfferError):
    """The key has been fetched already; it is shown once."""


class OfferExpiredError(OfferError):
    """The offer has run out; a new one is on its way."""
