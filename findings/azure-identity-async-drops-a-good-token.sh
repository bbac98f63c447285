#!/usr/bin/env bash
# azure-identity 1.27.0: a managed identity's token is good for another 11 hours. Is it served while the endpoint is down?
#
# A token of 24 hours is refreshed from half its life on. One would guess that a refresh that fails leaves the old token
# in use, in both flavours. But past half of its life, with the endpoint answering 500:
#   - the synchronous credential serves the token that it holds (one request, which failed);
#   - the asynchronous one raises ClientAuthenticationError: its cache does not answer any more once a token is due for
#     a refresh, so that there is no old token to fall back on.
# So an outage of the endpoint stops an async app up to half a token's life early. Keep the last token yourself.
#
# Seen (hours after a 24 h token was got):
#   11 aio  token good for 13 h, 0 requests      11 sync token good for 13 h, 0 requests
#   13 aio  ClientAuthenticationError, 1 request  13 sync token good for 11 h, 1 request
#   23 aio  ClientAuthenticationError, 1 request  23 sync token good for 1 h, 1 request
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check azure-identity==1.27.0 azure-core==1.41.0 aiohttp==3.14.5
cat >"$folder/seen.py" <<'PYTHON'
import asyncio
import json
import logging
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

logging.disable(logging.CRITICAL)
SCOPE = "https://storage.azure.com/.default"
real_time = time.time
down, requests = False, 0


class Endpoint(BaseHTTPRequestHandler):
    def do_GET(self):
        global requests
        requests += 1
        token = {"access_token": "t", "expires_on": str(int(real_time() + 24 * 3600)), "token_type": "Bearer"}
        body = json.dumps({} if down else token | {"resource": "https://storage.azure.com"}).encode()
        self.send_response(500 if down else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["IDENTITY_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}/msi/token"
os.environ["IDENTITY_HEADER"] = "any"

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential


def pass_by(hours):
    """The endpoint is down from now on, and it is so many hours later."""
    global down, requests
    down, requests = True, 0
    time.time = lambda: real_time() + hours * 3600


def begin_anew():
    global down
    down, time.time = False, real_time


def served(flavour, hours, token):
    left = round((token.expires_on - time.time()) / 3600)
    return f"{hours} {flavour} token good for {left} h, {requests} request{'s' * (requests != 1)}"


async def asynchronous(hours):
    async with AsyncManagedIdentityCredential(retry_total=0) as credential:
        await credential.get_token(SCOPE)
        pass_by(hours)
        try:
            return served("aio ", hours, await credential.get_token(SCOPE))
        except ClientAuthenticationError:
            return f"{hours} aio  ClientAuthenticationError, {requests} request"


def synchronous(hours):
    credential = ManagedIdentityCredential(retry_total=0)
    credential.get_token(SCOPE)
    pass_by(hours)
    return served("sync", hours, credential.get_token(SCOPE))


seen = []
for hours in (11, 13, 23):
    begin_anew()
    seen.append(asyncio.run(asynchronous(hours)))
    begin_anew()
    seen.append(synchronous(hours))
begin_anew()
print("\n".join(seen))
assert seen == [
    "11 aio  token good for 13 h, 0 requests",
    "11 sync token good for 13 h, 0 requests",
    "13 aio  ClientAuthenticationError, 1 request",
    "13 sync token good for 11 h, 1 request",
    "23 aio  ClientAuthenticationError, 1 request",
    "23 sync token good for 1 h, 1 request",
]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
