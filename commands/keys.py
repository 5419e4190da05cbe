"""Fetching a key: once, by the person it was offered to."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio.service import RPCError

from commands.context import NO_RECORDS, CommandError, Context
from commands.people import refuse_outside_development
from domain.credential_state import pickup_word
from records import secrets
from records.errors import OfferError
from records.people import by_email_or_account

TELL_SECONDS = timedelta(seconds=10)

SWEDISH = {
    "UnknownTokenError": "Koden finns inte. Kontrollera att hela koden kom med.",
    "NotYoursError": "Nyckeln är erbjuden till någon annan. Logga in som den personen.",
    "TooManyTriesError": "Andra har prövat koden för många gånger. Be handläggaren om en ny.",
    "AlreadyFetchedError": "Nyckeln är redan hämtad; den visas en gång. Be handläggaren om en ny.",
    "OfferExpiredError": "Erbjudandet har gått ut. En ny kod kommer med e-post.",
}


async def fetch_key(context: Context, token: str, subject: str) -> dict[str, str]:
    """Fetch a key with its code and tell the credential; the secret is destroyed thereby.

    Raises:
        CommandError: why it cannot be fetched.
    """
    now = datetime.now(UTC)
    try:
        claimed = await secrets.claim(
            context.pool, context.keys, token=token, subject=subject, now=now
        )
    except OfferError as error:
        raise CommandError(f"{SWEDISH.get(type(error).__name__, '')} / {error}") from None
    # From here on nobody else has the key: whatever fails, it is given to the person. A worker
    # tells the credential of every fetched key that it may not know of.
    with suppress(RPCError, *NO_RECORDS):
        await context.client.get_workflow_handle(claimed.ref).signal(
            "heard", pickup_word(claimed.offer_id), rpc_timeout=TELL_SECONDS
        )
        await secrets.mark_told(context.pool, claimed.offer_id, now)
    return claimed.payload


async def subject_of(context: Context, person: str | None) -> str:
    """Return the account of a person given by e-mail address or account id, in development.

    Raises:
        CommandError: it is not development, or nobody of that address has an account here.
    """
    refuse_outside_development(context)
    if person is None:
        raise CommandError("Ange vem / say who: --as producer_contact:anna@kommun.example")
    if "@" not in person:
        return person
    found = await by_email_or_account(context.pool, person)
    if not found:
        raise CommandError(
            f"Ingen med adressen {person} har ett konto här. / "
            f"Nobody with the address {person} has an account here."
        )
    return str(found[0]["view"]["details"]["person"]["account_id"])
