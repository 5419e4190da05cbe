"""One API portal: the part of the WSO2 Developer Portal v3 interface that the engine uses.

With its surprises: the search for applications is LIKE, repeated subscriptions and keys answer
409 (which the published contract does not say), creation may be pending (202), and a secret is
shown once. Its keys are real OAuth2 clients; behind it lies the producer's interface.
"""

import hashlib
from collections import Counter
from typing import Any, cast

from simulators.faults import ASGI, Faults, Receive, Scope, Send, answer
from simulators.portal_answers import BASE
from simulators.portal_applications import Applications
from simulators.portal_approvals import Approvals
from simulators.portal_deliveries import Deliveries
from simulators.portal_keys import Keys
from simulators.portal_subscriptions import Subscriptions
from simulators.portal_tokens import TokenServer
from simulators.program import Store, application, arguments, run


def state_of(store: Store) -> dict[str, Any]:
    """Return what a test wants to count; secrets as sha256 only."""
    keys = Counter(each["applicationId"] for each in store.all("key").values())
    living: Counter[str] = Counter()
    for each in store.all("key").values():
        living[each["applicationId"]] += len(each["secrets"])
    subscriptions = store.all("subscription").values()
    applications = [
        {
            "id": application_id,
            "name": each["name"],
            "key": each["attributes"].get("ngp_key"),
            "attributes": each["attributes"],
            "status": each["status"],
            "keys": keys[application_id],
            "secrets": living[application_id],
            "subscriptions": [
                held["apiName"] for held in subscriptions if held["applicationId"] == application_id
            ],
        }
        for application_id, each in store.all("application").items()
    ]
    hashes = [hashlib.sha256(secret.encode()).hexdigest() for secret in store.all("secret")]
    deliveries = [{"id": each, **record} for each, record in store.all("delivery").items()]
    return {
        "applications": applications,
        "deliveries": deliveries,
        "tokens": len(store.all("token")),
        "secret_hashes": hashes,
    }


def guarded(app: ASGI, token: str) -> ASGI:
    """Put the portal's operations behind its token; the rest has checks of its own."""
    allowed = f"Bearer {token}".encode()

    async def check(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if scope["path"].startswith(BASE) and headers.get(b"authorization") != allowed:
            await answer(send, 401, {"code": 900901, "message": "Invalid Credentials"})
        else:
            await app(scope, receive, send)

    return check


def main() -> None:
    """Serve until SIGTERM."""
    parser = arguments("A simulated API portal (WSO2 Developer Portal v3).")
    parser.add_argument("--multiple-secrets", action="store_true", help="a key may have several")
    options = parser.parse_args()
    store = Store(options.data_dir, "api_portal")
    approvals = Approvals(store)
    applications, tokens = Applications(store, approvals), TokenServer(store)
    keys = Keys(store, applications, tokens, several=options.multiple_secrets)
    routes = [
        *applications.routes(),
        *Subscriptions(store, approvals, applications).routes(),
        *keys.routes(),
        *tokens.routes(),
        *Deliveries(store, approvals, tokens, options.token).routes(),
    ]

    def state() -> dict[str, Any]:
        approvals.settle()
        return state_of(store)

    faults = Faults(state, store.clear)
    faults.controls["GET secrets"] = lambda _: list(store.all("secret"))
    faults.controls["POST secrets"] = keys.let_have_several
    faults.controls["POST release"] = approvals.release
    run(guarded(cast("ASGI", application(routes)), options.token), faults, options)


if __name__ == "__main__":
    main()
