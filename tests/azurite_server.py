"""Azurite's Table Storage as a process: in memory or on disk, over http with a key or over https with tokens.

Lives here: starting it, and what may befall it.
"""

import base64
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import trustme

from tests.npm import installed

ACCOUNT: Final = "contracttests"
KEY: Final = base64.b64encode(b"a key of this test run alone").decode()

_FOLDER: Final = Path(__file__).parent / "azurite"
_START_SECONDS: Final = 30


class Azurite:
    """One Azurite that keeps its port and its folder, whatever befalls its process.

    With `secure` it is as docs/reference/settings.md has it: https, with tokens. With `durable` it keeps its rows in
    `folder`.
    """

    def __init__(self, folder: Path, *, secure: bool = False, durable: bool = False) -> None:
        self._folder = folder
        self._rows = folder / "__azurite_db_table__.json"
        self._program = installed(_FOLDER, "azurite/dist/src/table/main.js")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._arguments = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        self._arguments += ["--tableHost", "127.0.0.1", "--tablePort", str(self._port)]
        self._arguments += ["--location", str(folder)] if durable else ["--inMemoryPersistence"]
        self.endpoint = f"{'https' if secure else 'http'}://127.0.0.1:{self._port}/{ACCOUNT}"
        self.authority = folder / "authority.pem"
        """The certificate by which https to it is trusted."""
        if secure:
            self._arguments += ["--oauth", "basic", *self._certificate()]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it listens."""
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                ["node", self._program, *self._arguments],  # noqa: S607
                cwd=self._folder,
                env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        pytest.fail(f"Azurite did not start:\n{log.read_text(errors='replace')[-2000:]}", pytrace=False)

    def pause(self) -> None:
        """It answers nobody, and connections to it stay open."""
        self._running.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        self._running.send_signal(signal.SIGCONT)

    @property
    def saved(self) -> bytes:
        """What it has saved; it does so every five seconds, where there is something new."""
        return self._rows.read_bytes() if self._rows.exists() else b""

    def kill(self, saved: bytes | None = None) -> None:
        """It ends at once, and what it had not yet saved is lost; with `saved` that alone is what it had."""
        self._running.kill()
        self._running.wait()
        if saved is not None:
            self._rows.write_bytes(saved)

    def stop(self) -> None:
        """It ends in its own time."""
        self._running.terminate()
        try:
            self._running.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was started"
        return self._process

    def _certificate(self) -> Sequence[str]:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority)
        own = authority.issue_cert("127.0.0.1")
        certificate, key = self._folder / "certificate.pem", self._folder / "key.pem"
        certificate.write_bytes(b"".join(blob.bytes() for blob in own.cert_chain_pems))
        own.private_key_pem.write_to_path(key)
        return ["--cert", str(certificate), "--key", str(key)]


@contextmanager
def azurite(folder: Path, *, secure: bool = False, durable: bool = False) -> Iterator[Azurite]:
    """A running one."""
    server = Azurite(folder, secure=secure, durable=durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()
