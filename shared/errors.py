"""Every error that the app raises on purpose; anything else that is raised is a bug.

InvoiceAccessError
├── Transient          the same call may succeed later; carries retry_after
│   ├── MaybeWritten   a write whose answer was lost: it may have happened, read before repeating it
│   ├── FailedRead     an answer that does not fit: it says nothing, least of all that something is absent
│   ├── Conflict       somebody else wrote first: our lock is no longer ours
│   ├── NotSignedIn    no token came, because whoever runs this has not signed in
│   └── StoreRefused   the store of ledger and state takes or gives nothing until somebody fixes it
│       └── StoreForbidden  our role on it is missing
├── Permanent          repeating it changes nothing; carries the reason
│   ├── AccessLost     our own role on a billing scope is gone
│   ├── Denied         the directory refuses us: a permission is missing
│   ├── QueryRefused   a question that is not understood as it is asked: a wider one may be
│   └── TooLarge       what is to be stored is more than the store holds in one place
├── Rejected           an event that cannot be used: field, reason and remedy
│   └── Unreadable     bytes that are no message: no event in them can be told from another
│       └── TooMany    more events than are read at once
└── Misconfigured      the policy or the settings are wrong: every mistake at once
"""

from collections.abc import Sequence
from datetime import timedelta


class InvoiceAccessError(Exception):
    """The root of the tree."""


class Transient(InvoiceAccessError):  # noqa: N818 - the field's word for it, as in kopf's TemporaryError
    """The same call may succeed later.

    `retry_after` is how long the service asked us to wait, None when it did not say.
    """

    def __init__(self, reason: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class MaybeWritten(Transient):
    """A write whose answer was lost (time-out, broken connection, 5xx): it may have happened.

    It must not be repeated before a read has shown that it did not.
    """


class FailedRead(Transient):
    """An answer that does not fit (missing ids or selected fields, wrong types, a foreign link).

    It is a failed read, never an empty one: nothing may be concluded from it.
    """


class Conflict(Transient):
    """Somebody else wrote this chain or row first: whoever holds the lock now goes on, we stop."""


class NotSignedIn(Transient):
    """No token came, because whoever runs this has not signed in. That can pass: a fresh identity is refused, too."""


class StoreRefused(Transient):
    """The store takes or gives nothing (our role there is missing, the disk is full), and a person has to fix that.

    It is an outage all the same: nothing can be recorded meanwhile. So everything waits, and goes on by itself once it
    is fixed.
    """


class StoreForbidden(StoreRefused):
    """Our role on the store is missing, or its firewall lets us not through."""


class Permanent(InvoiceAccessError):  # noqa: N818
    """Repeating the call changes nothing until a person does something; `reason` says what stands in the way."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AccessLost(Permanent):
    """Our own billing role on `scope` is gone (401 "No claims present", or 403).

    `scope` is a billing account's name or `<account>/<profile>`, and "" where it is about no account in particular.
    """

    def __init__(self, scope: str, reason: str) -> None:
        super().__init__(f"no billing role on {scope or 'any billing account'}: {reason}")
        self.scope = scope

    @property
    def account(self) -> str:
        """The billing account that it is about, lower-case; "" for none in particular."""
        return self.scope.partition("/")[0].lower()


class Denied(Permanent):
    """The directory refuses us (403). `said` is how, `mend` what is probably missing."""

    def __init__(self, said: str, mend: str) -> None:
        super().__init__(f"{said}. {mend}")
        self.said = said
        self.mend = mend


class TooLarge(Permanent):
    """What is to be stored is more than the store holds in one place. A shorter one fits."""


class QueryRefused(Permanent):
    """The directory does not take a question as it is asked (400): another that brings more may be understood."""


class Rejected(InvoiceAccessError):  # noqa: N818
    """An event that cannot be used.

    `field` names what is wrong (`subject`, `data.effective`, `value[3].resource`), `reason` says why, and `remedy`
    says what the sender has to change before sending it again. `event` is the event alone, where it came together
    with others; None where the whole message is meant.
    """

    def __init__(self, field: str, reason: str, remedy: str, *, event: bytes | None = None) -> None:
        super().__init__(f"{field}: {reason}. {remedy}")
        self.field = field
        self.reason = reason
        self.remedy = remedy
        self.event = event


class Unreadable(Rejected):
    """Bytes that are no message (no JSON, no UTF-8, too many): no event in them can be told from another."""


class TooMany(Unreadable):
    """More events than are read at once. Fewer at a time are what there is to send."""


class Misconfigured(InvoiceAccessError):  # noqa: N818
    """The policy or the settings are wrong. `mistakes` are all of them, one readable line each."""

    def __init__(self, what: str, mistakes: Sequence[str]) -> None:
        listed = "\n".join(f"  - {mistake}" for mistake in mistakes)
        super().__init__(f"{what}: {len(mistakes)} mistake{'s' * (len(mistakes) != 1)}\n{listed}")
        self.what = what
        self.mistakes = tuple(mistakes)
