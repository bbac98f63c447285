#!/usr/bin/env bash
# msgraph-sdk 1.65.0, microsoft-kiota-abstractions 1.16.0: may one request of a builder be sent to another address?
#
# A request builder (`client.users.by_user_id(id)`) makes requests (`to_get_request_information()`), and a request's
# address may be set: `request.url = next_link`. One would guess that this concerns that request alone. But request and
# builder share one dictionary of path parameters, and setting the address empties it. The builder's next request is not
# refused: it expands its template without the id, so that a read of one user becomes a read of `/users/`, everybody.
# So: make a builder anew for every request, or build a RequestInformation of your own for an address.
#
# Seen:
#   first request:  /users/7c0f5a0e
#   after one request's address was set, the builder's next request: /users/
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --no-compile --quiet --disable-pip-version-check msgraph-sdk==1.65.0 microsoft-kiota-abstractions==1.16.0
cat >"$folder/seen.py" <<'PYTHON'
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from msgraph import GraphServiceClient
from msgraph.graph_request_adapter import GraphRequestAdapter

client = GraphServiceClient(request_adapter=GraphRequestAdapter(AnonymousAuthenticationProvider()))
builder = client.users.by_user_id("7c0f5a0e")
first = builder.to_get_request_information().url
print("first request: ", first)
builder.to_get_request_information().url = "https://graph.microsoft.com/v1.0/users?$skiptoken=x"
after = builder.to_get_request_information().url
print("after one request's address was set, the builder's next request:", after)
assert (first, after) == ("/users/7c0f5a0e", "/users/")
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
