"""Who can read an invoice that is mailed: people with a role that gets it, an enabled account and a mailbox.

Lives here: whether mail reaches one person, and counting people by that. Each person counts once, whatever roles they
have. Members of a group that has a role count nowhere: Azure does not say whether they get the mail.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.people import ListedPerson
from shared.domain.view import Called, Mailbox


@dataclass(frozen=True, slots=True)
class Readers:
    """How many people an invoice goes to: `known` to have a mailbox, of whom nobody knows, and who cannot read it."""

    known: int = 0
    unsure: int = 0
    cannot: int = 0


def reach(called: Called | None, person: ListedPerson | None, employment: Employment | None) -> Mailbox:
    """Whether mail reaches somebody: their mailbox, and no for whoever left, is disabled, or is nowhere any more.

    `called` and `person` are what the directory says of them, None where it was not asked or does not list them.
    `employment` is None where nothing is known.
    """
    if employment is Employment.LEAVER or (person is not None and person.account_enabled is False):
        return Mailbox.NO
    if called is None:
        return Mailbox.NOT_KNOWN
    return Mailbox.NO if called.kind is PrincipalKind.GONE else called.mailbox


def count_readers(reached: Iterable[Mailbox], *, unread: int = 0) -> Readers:
    """Counts people by whether mail reaches them, one for each. `unread` rows may be anybody's, and are not known."""
    found = [*reached]
    return Readers(
        found.count(Mailbox.YES),
        found.count(Mailbox.NOT_KNOWN) + unread,
        found.count(Mailbox.NO),
    )
