"""Who sits at the operator's desk: azure-identity gets the token of whoever is signed in, over a socket.

Lives here: an identity endpoint on loopback, and three who can sign in to it. No test.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

import pytest

from sandbox.identity import Identity, IdentityEndpoint, Person
from sandbox.wire import Request

TENANT: Final = "7c0f5a0e-0000-4000-8000-0000000000ff"
OLGA, PETE = "7c0f5a0e-0000-4000-8000-0000000001a1", "7c0f5a0e-0000-4000-8000-0000000001e2"
"""Two operators, by their object ids."""
PIPELINE: Final = "7c0f5a0e-0000-4000-8000-0000000001f3"
"""An app that operates."""
PIPELINES_APP: Final = "7c0f5a0e-0000-4000-9000-0000000001f3"
"""Its application id."""

_PEOPLE: Final = (
    Identity("olga", f"9{OLGA[1:]}", OLGA, TENANT, person=Person("Olga Berg", "olga@contoso.example")),
    Identity("pete", f"9{PETE[1:]}", PETE, TENANT, person=Person("Pete Vos", "pete@contoso.example")),
    Identity("pipeline", PIPELINES_APP, PIPELINE, TENANT),
)


class SignIn:
    """As whom the command line acts from now on; at first Olga."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "it's me")
        # Whoever runs the tests may be signed in themselves.
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        self.as_(OLGA)

    def as_(self, object_id: str) -> None:
        """Signs somebody in."""
        one = next(one for one in _PEOPLE if one.object_id == object_id)
        self._monkeypatch.setenv("AZURE_CLIENT_ID", one.client_id)

    def out(self) -> None:
        """Signs out: of whom is asked, nobody knows."""
        self._monkeypatch.setenv("AZURE_CLIENT_ID", TENANT)


@contextmanager
def signing_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[SignIn]:
    """Somewhere to sign in, as long as a test lasts."""
    people = IdentityEndpoint(_PEOPLE)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): text for name, text in self.headers.items()}
            answer = people.handle(Request("GET", self.path, headers))
            self.send_response(answer.status)
            for name, text in {**answer.headers, "content-length": str(len(answer.body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Nothing: stderr is the command's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield SignIn(monkeypatch, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
