#!/usr/bin/env bash
# azure-identity 1.27.0 (with azure-data-tables 12.7.0): who answered this 404?
#
# A managed identity endpoint that answers an error (404 while an identity is being assigned, 400, 403, 410) makes
# ManagedIdentityCredential fail. One would guess the same error from both flavours. But:
#   - the synchronous credential raises CredentialUnavailableError, which has neither status nor response;
#   - the asynchronous one lets a plain HttpResponseError through that carries the identity endpoint's own status and
#     response. `await table.get_entity(...)` then raises an error with status_code 404, although the table was never
#     asked. Whoever reads `error.status_code == 404` as "there is no such entity" reads the wrong service.
# So: ask for the token apart from the call, or look at error.response.request.url before the status.
#
# Seen:
#   aio  404 HttpResponseError status=404 answered by /msi/token
#   sync 404 CredentialUnavailableError status=None answered by nobody
#   (the same for 400, 403 and 410)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  azure-identity==1.27.0 azure-data-tables==12.7.0 azure-core==1.41.0 aiohttp==3.14.5
cat >"$folder/seen.py" <<'PYTHON'
import asyncio
import json
import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

logging.disable(logging.CRITICAL)
status = 0


class Endpoint(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"statusCode": status, "message": "not yet"}).encode()
        self.send_response(status)
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

from azure.data.tables import TableClient
from azure.data.tables.aio import TableClient as AsyncTableClient
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential

STORE = "https://account.table.core.windows.net"


def told(flavour, error):
    response = getattr(error, "response", None)
    by = urlsplit(response.request.url).path if response is not None else "nobody"
    line = f"{flavour} {status} {type(error).__name__} status={getattr(error, 'status_code', None)} answered by {by}"
    print(line)
    return line


async def asked_async():
    async with AsyncManagedIdentityCredential() as credential:
        async with AsyncTableClient(STORE, "people", credential=credential) as table:
            try:
                await table.get_entity("partition", "row")
            except Exception as error:
                return told("aio ", error)


def asked_sync():
    try:
        TableClient(STORE, "people", credential=ManagedIdentityCredential()).get_entity("partition", "row")
    except Exception as error:
        return told("sync", error)


for status in (400, 403, 404, 410):
    assert asyncio.run(asked_async()) == f"aio  {status} HttpResponseError status={status} answered by /msi/token"
    assert asked_sync() == f"sync {status} CredentialUnavailableError status=None answered by nobody"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
