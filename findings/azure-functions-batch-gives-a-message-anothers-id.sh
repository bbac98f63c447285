#!/usr/bin/env bash
# azure-functions 2.3.0: whose MessageId does the first message of a batch have?
#
# A Service Bus message needs no MessageId. The Functions host sends the ids of a batch as one array of texts, and drops
# its empty entries unless the worker declares IncludeEmptyEntriesInMessagePayload, which azure-functions-runtime 1.3.0
# does not. One would guess that a message without an id has none. But azure-functions reads the arrays by position:
# after a message without an id, every message has the id of a later one, and the last ones have none. The same goes for
# session_id, correlation_id, subject, reply_to and every other text. Numbers (sequence_number) and bodies stay in place.
# So: name a message of a batch by its sequence number.
#
# Seen, for a message `one` without an id and a message `two` with the id `of two`:
#   body one  message_id of two  sequence_number 1
#   body two  message_id None    sequence_number 2
#   capabilities that the worker declares: none about empty entries
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check azure-functions==2.3.0 azure-functions-runtime==1.3.0
cat >"$folder/seen.py" <<'PYTHON'
from pathlib import Path
from types import SimpleNamespace

import azure_functions_runtime
from azure.functions.servicebus import ServiceBusMessageInConverter


def datum(kind, **value):
    return SimpleNamespace(type=kind, value=SimpleNamespace(**value))


metadata = {
    "UserPropertiesArray": SimpleNamespace(type="json", value="[{}, {}]"),
    "SequenceNumberArray": datum("collection_sint64", sint64=[1, 2]),
    "MessageIdArray": datum("collection_string", string=["of two"]),  # as the host sends None and "of two"
}
bodies = datum("collection_bytes", bytes=[b"one", b"two"])
read = ServiceBusMessageInConverter.decode(bodies, trigger_metadata=metadata)
seen = [(each.get_body().decode(), each.message_id, each.sequence_number) for each in read]
for body, message_id, number in seen:
    print(f"body {body}  message_id {message_id}  sequence_number {number}")
assert seen == [("one", "of two", 1), ("two", None, 2)]
sources = Path(azure_functions_runtime.__file__).parent.rglob("*.py")
assert not any("IncludeEmptyEntries" in source.read_text() for source in sources)
print("capabilities that the worker declares: none about empty entries")
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
