"""The broker's shared access key: a connection string for outsiders, and the check of what they sign.

What may live here: signatures over an address with an expiry, as the service describes them
(https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas). Identities and their tokens are in
`identity`.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from sandbox.wire import Clock

_SCHEME = "SharedAccessSignature "


@dataclass(frozen=True, slots=True)
class SharedAccessKey:
    """A named key that opens every queue."""

    name: str = "RootManageSharedAccessKey"
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def connection_string(self, address: str) -> str:
        """What an official client needs; `address` is host and port.

        The last part makes clients speak to a broker without TLS, as with the official emulator.
        """
        return (
            f"Endpoint=sb://{address};SharedAccessKeyName={self.name};SharedAccessKey={self.key};"
            "UseDevelopmentEmulator=true"
        )

    def signed(self, token: str, clock: Clock) -> bool:
        """Whether `token` is a signature made with this key that has not expired."""
        if not token.startswith(_SCHEME):
            return False
        fields = token.removeprefix(_SCHEME)
        found = {name: values[0] for name, values in parse_qs(fields).items()}
        # What was signed is the address as it stands in the token, percent-encoding and all.
        address = next((part[3:] for part in fields.split("&") if part.startswith("sr=")), "")
        expiry = found.get("se", "")
        made = hmac.new(self.key.encode(), f"{address}\n{expiry}".encode(), hashlib.sha256).digest()
        return (
            found.get("skn") == self.name
            and hmac.compare_digest(base64.b64encode(made).decode(), found.get("sig", ""))
            and expiry.isdigit()
            and int(expiry) > clock().timestamp()
        )
