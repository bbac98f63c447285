"""What the use cases need of the world, as small Protocols. The adapters implement them; tests may, too.

Every method that talks to a service raises `Transient` when the same call may succeed later, `FailedRead` (a
Transient) when an answer does not fit, `AccessLost` when our own role is gone, and `Permanent` when a person has to
act. Absence is never raised: it is a value.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # what they are made of: whoever has a port at hand needs not all of it
    from shared.domain.access.ownership import ManagedAssignment
    from shared.domain.actors import Actors
    from shared.domain.billing import (
        AccountAssignments,
        Assignment,
        Assignments,
        BillingAccount,
        BillingProfile,
        Written,
    )
    from shared.domain.catalogue import Catalogue
    from shared.domain.form_keys import FormKeys
    from shared.domain.guards.baseline import Baseline
    from shared.domain.guards.daily_limits import Reservations
    from shared.domain.guards.holds import KeyHolds
    from shared.domain.guards.pauses import Pauses
    from shared.domain.guards.proposals import Proposals
    from shared.domain.health import Health, Heard, ShelfCount, SubscriptionsKept
    from shared.domain.history.activity import Noted
    from shared.domain.history.leavers import LeaverDays
    from shared.domain.history.proof import Proofs
    from shared.domain.history.records import Body, Record
    from shared.domain.history.report import Report
    from shared.domain.history.roles_seen import Seen
    from shared.domain.history.unmanaged_sightings import Sighted
    from shared.domain.keys import NameKey, PersonKey, ProfileKey
    from shared.domain.mail_check import ProfileMail
    from shared.domain.notices.notice import Notice, NoticeKind, Telling
    from shared.domain.people import ListedPerson, PersonRead
    from shared.domain.policy.model import ActionKind
    from shared.domain.remembered import FutureChecks, PersonState, ProfileState
    from shared.domain.subscription import Subscription, WantedSubscription
    from shared.domain.view import Called, PeopleView, View
    from shared.domain.work import RejectedEvent, Scheduled


@dataclass(frozen=True, slots=True)
class Stored[T]:
    """A value as it was read, and the store's own version of its row: None where there is none, and the value is empty.

    Whoever puts it back with another value replaces that version and no other.
    """

    value: T
    version: str | None = None

    @property
    def is_there(self) -> bool:
        """Whether there is a row at all."""
        return self.version is not None

    def becoming(self, value: T) -> Stored[T]:
        """Another value over the same version."""
        return Stored(value, self.version)


class Clock(Protocol):
    """Tells the time. The only source of it in the services."""

    def now(self) -> datetime:
        """The time now, aware, in UTC."""
        ...


class Directory(Protocol):
    """Reads people and groups (Microsoft Graph)."""

    async def person(self, object_id: str, groups: frozenset[str]) -> PersonRead:
        """Reads one person, and which of `groups` they are in (transitively).

        One read, one more per 20 groups, one more (`/directory/deletedItems`) where the directory answers 404.
        """
        ...

    async def groups_of(self, object_id: str, groups: frozenset[str]) -> frozenset[str]:
        """Which of `groups` a person is in (transitively), lower-case, for whoever needs it of some people only.

        One read per 20 groups.
        """
        ...

    async def find(self, name: NameKey) -> Sequence[str]:
        """The object ids of everybody in the directory who is called that; empty when nobody is.

        One read. Where nobody is, two more: who has the name among their other addresses, and who had it when they
        were deleted: a name may change between an event and the check.
        """
        ...

    def people(self, odata_filter: str) -> AsyncIterator[ListedPerson]:
        """Lists everybody whom a `$filter` preselects, 999 a page, without their groups (`groups` empty)."""
        ...

    def members(self, group: str) -> AsyncIterator[ListedPerson]:
        """Lists every person in a group, transitively, without their groups. See `group_exists` for a missing one."""
        ...

    async def ids_in(self, group: str) -> Sequence[str]:
        """The object ids of every person in a group, transitively: as `members`, for whoever needs no more of them."""
        ...

    async def called(self, ids: Collection[str], at: datetime) -> Mapping[str, Called]:
        """What principals of any kind are called, and whether they have a mailbox, asked at a time: each of the ids.

        One request per 500 ids, and one more per 15 that the directory does not have (at most 20), for the deleted.
        Whom the app may not read comes without a name, and is no failure. Ids of other tenants are nobody's here.
        """
        ...

    async def group_exists(self, group: str) -> bool:
        """Whether the directory knows a group of this object id."""
        ...


class Billing(Protocol):
    """Reads billing and writes the three things this app writes. There is no role to get wrong."""

    async def identities(self) -> frozenset[str]:
        """The object ids under which we write or wrote, lower-case: our token's own and the configured former ones."""
        ...

    async def tenant(self) -> str:
        """The tenant that our token is for, lower-case: the one whose directory we read."""
        ...

    def service_time(self) -> datetime | None:
        """Billing's own time in the latest answer that said it, by whose clock rows are made; None where none did."""
        ...

    async def accounts(self) -> Sequence[BillingAccount]:
        """Every billing account that we can see, of any agreement type."""
        ...

    async def profiles(self, account: str) -> Sequence[BillingProfile]:
        """Every billing profile of an account."""
        ...

    async def profile(self, key: ProfileKey) -> BillingProfile | None:
        """One profile with its raw properties; None when the service says there is none."""
        ...

    async def assignment(self, profile: ProfileKey, principal_id: str) -> Assignment | None:
        """The person's Invoice manager assignment on a profile; None when there is none. One read."""
        ...

    async def assignments(self, profile: ProfileKey) -> Assignments:
        """Every role assignment made at a profile, whatever its role and principal, and the rows that are none."""
        ...

    async def account_assignments(self, account: str) -> AccountAssignments:
        """Every role assignment made at an account itself, whatever its role and principal.

        It takes a role at the account. Whoever has one at its profiles alone gets `AccessLost`, which here says nothing
        of those.
        """
        ...

    async def grant_invoice_manager(self, profile: ProfileKey, principal_id: str) -> Written:
        """Gives a person Invoice manager on a profile. Never sent twice by itself; "already there" is success."""
        ...

    async def revoke_invoice_manager(self, assignment: ManagedAssignment) -> Written:
        """Takes away an assignment proved managed. "Already gone" is success."""
        ...

    async def opt_in(self, profile: BillingProfile) -> BillingProfile | None:
        """Turns invoice e-mail on, sending back every other writable field as `profile.properties` has it.

        Returns the profile as the answer to the finished update shows it; None where it does not show it.
        """
        ...


class EventQueue(Protocol):
    """Sends to people-events, and to nothing else: all that the public part may do."""

    async def send_events(self, messages: Sequence[bytes]) -> None:
        """Puts messages, each at most a queue's message long, on people-events, in one send where they fit one."""
        ...


class Queues(Protocol):
    """Sends to the app's queues. What these return from has reached the broker."""

    async def send_work(self, items: Sequence[Scheduled]) -> None:
        """Puts checks on access-work, each under its key's session, its MessageId and its time."""
        ...

    async def send_rejected(self, events: Sequence[RejectedEvent]) -> None:
        """Puts events that cannot be used on rejected-events, whole up to 128 KiB."""
        ...


class Chain(Protocol):
    """One key's records, open for appending by whoever holds the key's lock."""

    async def append(self, at: datetime, body: Body) -> Record:
        """Adds one record. Raises `Conflict` when somebody else appended since this chain was opened."""
        ...


class Ledger(Protocol):
    """What was decided and done, append-only: one hash chain per key."""

    async def open(self, key: str) -> Chain:
        """Opens a key's chain at its present head."""
        ...

    def read(self, key: str, misfits: list[str] | None = None) -> AsyncIterator[Record]:
        """A key's records, oldest first. Raises `Permanent` for one that does not say what this build can read.

        With `misfits`, such a record is left out, and said there.
        """
        ...

    async def latest(self, key: str, count: int) -> Sequence[Record]:
        """A key's last `count` records (or all, where there are fewer), oldest first, however long its chain is."""
        ...

    async def head(self, key: str) -> tuple[int, str]:
        """The last record's sequence and digest; (0, "") for a chain without records."""
        ...

    def activity(
        self, start: datetime | None = None, end: datetime | None = None, *, before: str = "", page: int = 1000
    ) -> AsyncGenerator[tuple[str, Noted]]:
        """What was changed, held or decided from `start` on and until `end` (None: no bound), newest first.

        One read per `page` entries. Each comes with a mark: with `before`, what is older than that entry. Close it
        (`contextlib.aclosing`) where it is left early. Raises `Permanent` for an entry that this build cannot read.
        """
        ...

    async def index(self, record: Record) -> bool:
        """Adds a record's entry to that index where it is missing; whether it was. An append does so by itself."""
        ...

    def keys(self) -> AsyncIterator[str]:
        """Every key that ever had a record, in no particular order."""
        ...

    async def verify(self, key: str, known: Mapping[int, str] | None = None) -> Sequence[str]:
        """What is wrong with a key's chain (changed, missing, reordered records); empty when it holds.

        `known` are digests that records must have, by sequence: as they were kept outside.
        """
        ...


class State(Protocol):
    """What can be rebuilt: catalogue, holdings, sightings, names, future checks, reports, limits, holds, pauses.

    A row is put over the version it was read as, and returned as it is stored. Each `put_` raises `Conflict` where
    somebody else changed the row since.
    """

    async def person(self, object_id: str) -> Stored[PersonState]:
        """A person's row, an empty one when there is none."""
        ...

    async def put_person(self, row: Stored[PersonState]) -> Stored[PersonState]:
        """Stores a row, and indexes its names."""
        ...

    def people(self) -> AsyncIterator[PersonState]:
        """Everybody who has a row."""
        ...

    async def called(self, name: NameKey) -> Sequence[str]:
        """The object ids of everybody who was ever called that while they had a row."""
        ...

    async def profile(self, key: ProfileKey) -> Stored[ProfileState]:
        """A profile's row, an empty one when there is none."""
        ...

    async def put_profile(self, row: Stored[ProfileState]) -> Stored[ProfileState]:
        """Stores a row."""
        ...

    async def catalogue(self) -> Catalogue | None:
        """The catalogue as last stored."""
        ...

    async def put_catalogue(self, catalogue: Catalogue) -> None:
        """Replaces the catalogue as a whole: a reader sees the old one or the new one."""
        ...

    async def put_catalogue_over(self, before: Catalogue | None, catalogue: Catalogue) -> None:
        """Replaces the very catalogue that was read before (None: that there was none). Raises `Conflict`."""
        ...

    async def future_checks(self, key: PersonKey | NameKey) -> Stored[FutureChecks]:
        """A key's row, an empty one when there is none."""
        ...

    async def put_future_checks(self, row: Stored[FutureChecks]) -> Stored[FutureChecks]:
        """Stores a row."""
        ...

    async def key_holds(self, key: PersonKey | ProfileKey) -> Stored[KeyHolds]:
        """Every hold of a key, none when there is no row. One read."""
        ...

    async def put_key_holds(self, *rows: Stored[KeyHolds], whole: bool = False) -> Sequence[Stored[KeyHolds]]:
        """Stores each row; one without holds goes.

        Raises `Conflict` for those that somebody else changed meanwhile, and stores all others. With `whole`, up to 100
        rows are stored together or not at all, more of them in several such groups up to the first that conflicts.
        """
        ...

    def holds(self) -> AsyncIterator[Stored[KeyHolds]]:
        """Every key that has a hold."""
        ...

    async def reservations(self, kind: ActionKind) -> Stored[Reservations]:
        """What was reserved of a kind's daily limit. One read."""
        ...

    async def put_reservations(self, row: Stored[Reservations]) -> Stored[Reservations]:
        """Stores the row."""
        ...

    async def pauses(self) -> Stored[Pauses]:
        """The pauses, none when there is no row. One read, never from memory."""
        ...

    async def put_pauses(self, row: Stored[Pauses]) -> Stored[Pauses]:
        """Stores the row."""
        ...

    async def baseline(self) -> Stored[Baseline | None]:
        """What the last good sweep counted; None before the first."""
        ...

    async def put_baseline(self, row: Stored[Baseline | None]) -> Stored[Baseline | None]:
        """Stores the row, which is never None again."""
        ...

    async def sighted(self) -> Sequence[Sighted]:
        """Every unmanaged assignment that the last sweep saw."""
        ...

    async def put_sighted(self, sighted: Sequence[Sighted]) -> None:
        """Replaces them as a whole: a reader sees the old ones or the new ones."""
        ...

    async def seen_roles(self) -> Seen | None:
        """The roles, members and settings that the last sweep saw; None before the first. Raises `FailedRead`."""
        ...

    async def put_seen_roles(self, seen: Seen, at: datetime) -> None:
        """Replaces them as a whole, as seen at that time."""
        ...

    async def put_report(self, report: Report) -> None:
        """Keeps a sweep's report, also beside another of the same moment."""
        ...

    async def reports(self, count: int) -> Sequence[Report]:
        """The latest `count` reports, newest first."""
        ...

    async def view(self) -> View | None:
        """The view as last stored; None before the first sweep."""
        ...

    async def people_view(self) -> PeopleView | None:
        """The people of the view as last stored. Its `sweep` says of which view."""
        ...

    async def put_view(self, view: View, people: PeopleView) -> None:
        """Replaces the view. People first: who reads a view finds its people, or those of a later one."""
        ...

    async def profile_mail(self, key: ProfileKey) -> Stored[ProfileMail]:
        """A profile's mail verdicts, none when there is no row. One read."""
        ...

    async def put_profile_mail(self, row: Stored[ProfileMail]) -> Stored[ProfileMail]:
        """Stores a row."""
        ...

    async def mail_verdicts(self) -> Sequence[ProfileMail]:
        """The mail verdicts of every profile that ever was due for a mail check."""
        ...

    async def telling(self, channel: str) -> Stored[Telling]:
        """What a channel was told and what waits for it, nothing when there is no row. One read."""
        ...

    async def put_telling(self, channel: str, row: Stored[Telling]) -> Stored[Telling]:
        """Stores the row."""
        ...

    async def names(self) -> Mapping[str, Called]:
        """What everybody is called whom a view showed within the last 400 days, by object id."""
        ...

    async def put_names(self, names: Mapping[str, Called], at: datetime) -> None:
        """Replaces them as a whole."""
        ...

    async def proposals(self) -> Stored[Proposals]:
        """What an operator proposed and no other confirmed yet, none when there is no row. One read."""
        ...

    async def put_proposals(self, row: Stored[Proposals]) -> Stored[Proposals]:
        """Stores the row."""
        ...

    async def actors(self) -> Stored[Actors]:
        """Everybody who acted within 400 days, as they signed in: `names` has them as well."""
        ...

    async def form_keys(self) -> Stored[FormKeys]:
        """The keys of the page's forms, none when there is no row. One read."""
        ...

    async def put_form_keys(self, row: Stored[FormKeys]) -> Stored[FormKeys]:
        """Stores the row. Raises `Conflict`."""
        ...

    async def put_actors(self, row: Stored[Actors]) -> Stored[Actors]:
        """Stores the row."""
        ...

    async def health(self) -> Health | None:
        """The latest look at queues and sources; None before the first. One read."""
        ...

    async def put_health(self, health: Health) -> None:
        """Replaces it."""
        ...

    async def heard(self) -> Stored[Heard]:
        """The last event of each source, none when there is no row. One read."""
        ...

    async def put_heard(self, row: Stored[Heard]) -> Stored[Heard]:
        """Stores the row."""
        ...

    async def subscriptions_kept(self) -> SubscriptionsKept | None:
        """What the last run that keeps subscriptions left; None before the first. One read."""
        ...

    async def put_subscriptions_kept(self, kept: SubscriptionsKept) -> None:
        """Replaces it."""
        ...

    async def proofs(self) -> Stored[Proofs]:
        """What is kept of the daily proof, nothing when there is no row. One read."""
        ...

    async def put_proofs(self, row: Stored[Proofs]) -> Stored[Proofs]:
        """Stores the row."""
        ...

    async def leaver_days(self) -> LeaverDays:
        """The leaver clock, by day: none when nothing was counted."""
        ...

    async def put_leaver_days(self, days: LeaverDays, at: datetime) -> None:
        """Replaces it as a whole."""
        ...


class Shelves(Protocol):
    """Looks at what lies in queues and among their dead letters, and takes nothing."""

    async def count(self) -> Sequence[ShelfCount]:
        """Counts each shelf. What cannot be looked at is among them, not known, and why; no failure hides another."""
        ...


class Channel(Protocol):
    """Somebody outside who is told notices, such as a channel of Teams. `name` is what the state knows it by."""

    @property
    def name(self) -> str:
        """Its name, which is no address."""
        ...

    @property
    def kinds(self) -> frozenset[NoticeKind]:
        """What is told there."""
        ...

    async def tell(self, notice: Notice) -> None:
        """Delivers a notice. It may arrive twice, under the same id, where an answer is lost.

        Raises `Transient` where nobody answers or nobody may ask now, and `Permanent` where the notice is refused. No
        error has the channel's address, which is a secret.
        """
        ...


class Subscriptions(Protocol):
    """Has Microsoft Graph say when people and groups change. Only what our own identity subscribed is seen."""

    async def mine(self) -> Sequence[Subscription]:
        """Every subscription of ours that has not expired."""
        ...

    async def create(self, wanted: WantedSubscription, expires: datetime) -> Subscription | None:
        """Subscribes, once both URLs have answered Graph's handshake; None when there is one to that already.

        Raises `Transient` with the wait after which another try is worth it where a URL did not answer the handshake.
        """
        ...

    async def renew(self, found: Subscription, expires: datetime) -> Subscription | None:
        """Moves the end, and authorizes it anew; None when there is no such subscription any more.

        Returns what the directory then shows of it, its secret as well where it shows that at all. `expires` there is
        the end that counts, whatever was asked for.
        """
        ...

    async def delete(self, subscription_id: str) -> bool:
        """Ends it; False when it was gone already, which is success as well."""
        ...
