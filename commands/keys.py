"""Fetching a key: once, by the person it was offered to."""

from datetime import UTC, datetime

from commands.context import CommandError, Context
from records import secrets
from records.errors import OfferError
from records.lists import LARGEST_PAGE, Filter, list_cases

SWEDISH = {
    "UnknownTokenError": "Koden finns inte. Kontrollera att hela koden kom med.",
    "NotYoursError": "Nyckeln är erbjuden till någon annan. Logga in som den personen.",
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
    word = {
        "message_id": f"pickup#{claimed.offer_id}",
        "sender": "pickups",
        "what": "picked_up",
        "content": {"offer_id": claimed.offer_id},
    }
    await context.client.get_workflow_handle(claimed.ref).signal("heard", word)
    await secrets.mark_told(context.pool, claimed.offer_id, now)
    return claimed.payload


async def subject_of(context: Context, person: str | None) -> str:
    """Return the account of a person given by e-mail address or account id.

    Raises:
        CommandError: nobody of that address has an account here.
    """
    if person is None:
        raise CommandError("Ange vem / say who: --as producer_contact:anna@kommun.example")
    if "@" not in person:
        return person
    wanted = Filter(type="PersonAccess", kind=None, limit=LARGEST_PAGE)
    while True:
        page = await list_cases(context.pool, wanted)
        for row in page.rows:
            known = row["view"]["details"].get("person") or {}
            if known.get("email", "").casefold() == person.casefold():
                return str(known["account_id"])
        if page.cursor is None:
            raise CommandError(f"Ingen med adressen {person} har ett konto här. / Nobody has.")
        wanted = wanted.model_copy(update={"cursor": page.cursor})
