"""A request as a source sees it: bytes, headers and query. The triggers make it from the platform's request."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.errors import InvoiceAccessError


@dataclass(frozen=True, slots=True)
class Posted:
    """What somebody posted. `headers` are by lower-case name; `query` is decoded."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def media_type(self) -> str:
        """The media type of the body, lower-case and without parameters; "" where none is given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_compressed(self) -> bool:
        """Whether the body is compressed."""
        return self.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}

    @property
    def has_unknown_length(self) -> bool:
        """Whether no length was given: the Functions host hands on no body that was sent in chunks (host#7930)."""
        return not self.body and "content-length" not in self.headers


class WrongMediaType(InvoiceAccessError):  # noqa: N818 - the words of HTTP's own 415
    """The source does not read this media type; `accepted` names those that it reads."""

    def __init__(self, accepted: str) -> None:
        super().__init__(f"send {accepted}")
        self.accepted = accepted
