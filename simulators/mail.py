"""The mail server: takes mail by SMTP and keeps it, to be read over HTTP.

An address that begins with `bounce` is refused for good (550), one that begins with `slow` for
now (451) the first time. The same Message-ID to the same recipient is kept once, with a count.

Faults hit the end of a mail: `match` is `DATA recipient`. `status` is the answer, `drop` keeps
the mail and closes, `half` the same after half an answer, `hang` keeps nothing and says nothing.
"""

import asyncio
import email
import email.policy
import uuid
from datetime import UTC, datetime
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulators.faults import ASGI, HANG_SECONDS, Faults
from simulators.program import Record, Store, arguments, serve


class Mailbox:
    """What the server does with a mail."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.faults = Faults(self.messages, store.clear)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse addresses that do not exist, and some the first time."""
        del smtp, session, options
        who = address.casefold()
        if who.startswith("bounce"):
            return "550 5.1.1 no such mailbox"
        if who.startswith("slow") and self._store.get("greylisted", who) is None:
            self._store.put("greylisted", who, {})
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, smtp: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, unless a fault hits."""
        del session
        fault = self.faults.take("DATA", ",".join(envelope.rcpt_tos))
        if fault is not None and fault.status is not None:
            return f"{fault.status} fault by the simulator"
        if fault is not None and fault.hang:
            await asyncio.sleep(HANG_SECONDS if fault.seconds is None else fault.seconds)
        else:
            self._keep(envelope)
        if fault is not None and smtp.transport is not None:
            if fault.half:
                cast("asyncio.Transport", smtp.transport).write(b"25")
            smtp.transport.close()
        return "250 OK"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        message = email.message_from_bytes(raw, policy=email.policy.default)
        body = message.get_body(("plain",))
        message_id = str(message["Message-ID"] or uuid.uuid4())
        for to in envelope.rcpt_tos:
            record_id = f"{message_id} {to}"
            known = self._store.get("mail", record_id)
            first: Record = known or {
                "to": to,
                "from": envelope.mail_from,
                "subject": str(message["Subject"] or ""),
                "message_id": message_id,
                "text": body.get_content() if body else "",
                "received_at": datetime.now(UTC).isoformat(),
                "count": 0,
            }
            self._store.put("mail", record_id, {**first, "count": first["count"] + 1})

    def messages(self) -> list[Record]:
        """Return all mails, in the order they came."""
        return list(self._store.all("mail").values())

    async def read(self, request: Request) -> JSONResponse:
        """Answer `GET /messages?to=`."""
        to = request.query_params.get("to")
        return JSONResponse([each for each in self.messages() if to in {None, each["to"]}])


async def main() -> None:
    """Serve until SIGTERM."""
    parser = arguments("The simulated mail server.")
    parser.add_argument("--control-port", type=int, required=True)
    options = parser.parse_args()
    mailbox = Mailbox(Store(options.data_dir, "mail"))
    app = Starlette(routes=[Route("/messages", mailbox.read, methods=["GET"])])
    control = mailbox.faults.around(cast("ASGI", app), reliable=True)

    def conversation() -> SMTP:
        return SMTP(mailbox, hostname="mail.example", enable_SMTPUTF8=True)

    loop = asyncio.get_running_loop()
    server: Any = await loop.create_server(conversation, options.host, options.port)
    try:
        await serve(control, options.host, options.control_port)
    finally:
        server.close()


if __name__ == "__main__":
    asyncio.run(main())
