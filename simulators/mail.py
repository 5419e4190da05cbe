"""The mail server: takes mail by SMTP and keeps it, to be read over HTTP.

An address whose local part begins with `bounce` is refused for good (550). The same Message-ID
to the same recipient is kept once, with a count.
"""

import asyncio
import email
import email.policy
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulators.faults import Faults
from simulators.program import Store, arguments, server


class Mailbox:
    """What the server does with a mail."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.faults = Faults(self.messages, store.clear)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse addresses that do not exist."""
        del smtp, session, options
        if address.startswith("bounce"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, smtp: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, unless a fault hits."""
        del session
        fault = self.faults.take("DATA", "")
        if fault is not None and fault.status is not None:
            return f"{fault.status} fault by the simulator"
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        message = email.message_from_bytes(raw, policy=email.policy.default)
        body = message.get_body(("plain",))
        for to in envelope.rcpt_tos:
            record_id = f"{message['Message-ID']} {to}"
            known = self._store.all("mail").get(record_id)
            record = {
                "to": to,
                "from": envelope.mail_from,
                "subject": str(message["Subject"]),
                "message_id": str(message["Message-ID"]),
                "text": body.get_content() if body else "",
                "count": known["count"] + 1 if known else 1,
            }
            self._store.put("mail", record_id, record)
        if fault is not None and fault.drop and smtp.transport is not None:
            smtp.transport.close()
        return "250 OK"

    def messages(self) -> list[dict[str, Any]]:
        """Return all mails."""
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
    smtp = Controller(mailbox, hostname=options.host, port=options.port)
    smtp.start()
    app = Starlette(routes=[Route("/messages", mailbox.read, methods=["GET"])])
    try:
        await server(mailbox.faults.around(app), options.host, options.control_port).serve()
    finally:
        smtp.stop(no_assert=True)


if __name__ == "__main__":
    asyncio.run(main())
