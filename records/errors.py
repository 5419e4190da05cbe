"""Errors of the records; the docstring is the message."""


class RecordsError(Exception):
    """Something is wrong with the records."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(": ".join(filter(None, [(self.__doc__ or "").strip(), detail])))


class JournalConflictError(RecordsError):
    """The journal holds another line under the same key."""


class EditedMigrationError(RecordsError):
    """A migration that has been applied was edited afterwards."""


class UnknownDocumentError(RecordsError):
    """There is no such document."""


class OfferError(RecordsError):
    """A key cannot be fetched."""


class UnknownTokenError(OfferError):
    """There is no such code."""


class NotYoursError(OfferError):
    """The key is offered to another person."""


class AlreadyFetchedError(OfferError):
    """The key has been fetched already; it is shown once."""


class OfferExpiredError(OfferError):
    """The offer has run out; a new one is on its way."""
