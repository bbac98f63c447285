"""Reads the whole estate in bulk, for the sweep: accounts, profiles, assignments, populations, group members.

No read per person. A read that fails is written down and makes the estate incomplete; it is never an empty answer.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from shared.domain.access.rules import addresses, is_named, managed_accounts, means, unknown_rules
from shared.domain.billing import (
    OTHER_RECIPIENT_ROLES,
    Assignment,
    Assignments,
    BillingProfile,
    UnreadRow,
    manageable_of,
)
from shared.domain.catalogue import Catalogue
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.pauses import EVERYWHERE
from shared.domain.guards.sweep_holds import changed_rules
from shared.domain.keys import ProfileKey
from shared.domain.people import ListedPerson, Person, UnreadablePerson
from shared.domain.policy.filter_push_down import EVERYBODY
from shared.domain.policy.load import rule_digests
from shared.domain.policy.model import Everything, Policy, Rule
from shared.domain.policy.named_grants import Asked, questions
from shared.domain.reasons import Code, Reason
from shared.domain.redact import redact
from shared.domain.remembered import PersonState
from shared.errors import AccessLost, InvoiceAccessError, QueryRefused
from shared.services.app import App
from shared.services.catalogue import ListedProfiles, read_profiles
from shared.services.side_by_side import in_order

_LITERAL: Final = re.compile(r"'((?:[^']|'')*)'")
"""A text in an OData filter."""

type _Keep = Callable[[ListedPerson], bool]

_NO_ACCOUNT: Final = (
    "billing lists no account at all: the app's identity has no billing role; give it one "
    "(docs/explanation/security.md says which)"
)

_LISTS_AT_ONCE: Final = 8
"""Lists of assignments that a sweep reads side by side. At the half second that each takes on a slow day these are 16 a
second, and the pace towards ARM leaves a sweep 15 (0.6 of 25): more would only wait there."""

_UNSEEN: Final = "no sweep could judge it since it changed"


@dataclass(slots=True)
class Estate:
    """What the bulk reads brought.

    `people` are those whom a rule's filter preselects or who are in a group that a rule names, each with all of those
    groups; it says nothing about anybody else, and nothing at all about absence while `people_complete` is False.
    `unreadable` are those of them whose attributes did not fit, in any listing. `rows` are the assignments of each
    profile whose list could be read, `unread` the rows of it that say too little. `states` are the rows of everybody
    who ever had something managed. `asked_wider` says of a rule that the directory did not take its filter, so that
    more people were listed for it; `everybody_listed`, that nobody is left to list. `failures` are the reads that
    failed. `lost` are the accounts, lower-case, on which our own billing role is gone, each with what showed it: of
    these the catalogue keeps what was known before. "" among them stands for all there are. `listing` is what billing
    truly listed. `passed_over` are those of whom nothing was kept, see `read_estate`.
    """

    read_at: datetime
    catalogue: Catalogue
    people: dict[str, Person] = field(default_factory=dict)
    unreadable: dict[str, UnreadablePerson] = field(default_factory=dict)
    people_complete: bool = True
    rows: dict[ProfileKey, tuple[Assignment, ...]] = field(default_factory=dict)
    unread: list[UnreadRow] = field(default_factory=list)
    states: dict[str, PersonState] = field(default_factory=dict)
    missing_groups: set[str] = field(default_factory=set)
    asked_wider: dict[str, Reason] = field(default_factory=dict)
    everybody_listed: bool = False
    failures: list[Reason] = field(default_factory=list)
    lost: dict[str, Reason] = field(default_factory=dict)
    listing: ListedProfiles = field(default_factory=lambda: ListedProfiles((), ()))
    listed: int = 0
    passed_over: set[str] = field(default_factory=set)

    @property
    def all_failures(self) -> list[Reason]:
        """Everything that could not be read."""
        return [*self.failures, *(why for _, why in sorted(self.lost.items()))]


async def read_estate(app: App, *, only_concerned: bool = False) -> Estate:
    """Reads everything. Raises only where nothing can be said at all: accounts, profiles or our own store.

    `only_concerned` is for who asks about actions alone: of a directory of 100,000 people it keeps whom a rule may give
    something to, and who is Invoice manager somewhere. What a person just misses it cannot tell of anybody else.
    """
    now = app.clock.now()
    listing = await read_profiles(app.billing, app.policy)
    lost = {**_lost_accounts(app, (await app.state.baseline()).value, listing), **listing.lost}
    known = await app.state.catalogue() if lost else None
    catalogue = replace(listing, lost=lost).catalogue(now, known)
    estate = Estate(now, catalogue, lost=lost, listing=listing)
    estate.states = {state.object_id: state async for state in app.state.people()}
    await _read_assignments(app, estate, listing.profiles)
    holders = {row.principal_id for rows in estate.rows.values() for row in rows if row.is_invoice_manager}
    await _read_people(app, estate, holders if only_concerned else None)
    roles = {**estate.catalogue.other_roles, **_other_roles(estate)}
    estate.catalogue = replace(estate.catalogue, other_roles=roles)
    estate.catalogue = judged(app.policy, estate)
    return estate


def _lost_accounts(app: App, before: Baseline | None, listing: ListedProfiles) -> dict[str, Reason]:
    """The accounts that the last good sweep saw into and this one does not, though the policy still names them.

    A service leaves out of its lists what we may not see: our role there is gone, or the account is. One that is listed
    and is no longer of a kind to manage is not lost. Where nothing is written there is nothing to protect.
    """
    if not listing.accounts:
        return {EVERYWHERE: Code.NO_ACCOUNT_LISTED()}
    if before is None or app.policy.enforce is Everything.NONE:
        return {}
    listed = {account.name.lower() for account in listing.accounts}
    left = listed - managed_accounts(app.policy, manageable_of(listing.accounts))
    return {
        account: Code.ACCOUNT_NOT_LISTED(account=account)
        for account in before.accounts
        if account not in listing.in_sight and account not in left and is_named(app.policy, account)
    }


async def judge_rules(app: App, catalogue: Catalogue) -> Catalogue:
    """The catalogue with the policy's rules judged, for a check that needs it before any sweep has judged one.

    Reads the populations in bulk, as a sweep does. A read that fails leaves no rule known. Where the last good sweep
    was under another policy nothing is judged: what a changed policy takes away, its first sweep holds. Nor is a rule
    that no sweep could judge since it changed.
    """
    baseline = (await app.state.baseline()).value
    if baseline is not None and baseline.policy_digest != app.policy.digest:
        return catalogue
    estate = Estate(app.clock.now(), catalogue)
    await _read_people(app, estate)
    found = judged(app.policy, estate)
    if baseline is None or found.unknown_rules is None:
        return found
    unseen = changed_rules(baseline.rules, rule_digests(app.policy))
    return replace(
        found, unknown_rules=dict.fromkeys(sorted(unseen), (Code.RULE_NOT_SEEN(),)) | dict(found.unknown_rules)
    )


def judged(policy: Policy, estate: Estate) -> Catalogue:
    """The estate's catalogue with a policy's rules judged.

    Whoever could not list everybody knows no rule: matching nobody says something only of a complete list.
    """
    if not estate.people_complete:
        return estate.catalogue
    people, now = estate.people.values(), estate.read_at
    unknown = unknown_rules(policy, estate.catalogue, people, estate.missing_groups, now)
    whose = addresses(policy, people, now)
    return replace(estate.catalogue, policy_digest=policy.digest, unknown_rules=unknown, addresses=whose)


async def _read_assignments(app: App, estate: Estate, profiles: Sequence[BillingProfile]) -> None:
    """Reads each profile's list, several at once; what is found, and what failed, is in the order of the profiles."""

    async def read(profile: BillingProfile) -> Assignments | InvoiceAccessError:
        try:
            return await app.billing.assignments(profile.key)
        except InvoiceAccessError as failure:
            return failure

    answers = await in_order(read, profiles, at_once=_LISTS_AT_ONCE)
    for profile, answer in zip(profiles, answers, strict=True):
        if isinstance(answer, AccessLost):
            estate.lost.setdefault(profile.key.account.lower(), _not_read(profile.key, answer))
        elif isinstance(answer, InvoiceAccessError):
            estate.failures.append(_not_read(profile.key, answer))
        else:
            estate.rows[profile.key] = tuple({row.name.lower(): row for row in answer}.values())
            estate.unread += answer.unread


def _not_read(profile: ProfileKey, failure: InvoiceAccessError) -> Reason:
    return Code.ASSIGNMENTS_NOT_READ(profile=str(profile), said=str(failure))


async def _read_people(app: App, estate: Estate, holders: AbstractSet[str] | None = None) -> None:
    """Lists each population once: groups first, then the filters of rules that name no group.

    A rule with both is the members of its group, judged here by its filter. With `holders` only they are kept, and whom
    a rule may mean.
    """
    by_filter = [rule for rule in app.policy.rules if not rule.member_of]
    members: dict[str, set[str]] = {}
    for group in sorted(app.policy.groups):
        try:
            if not await app.directory.group_exists(group):
                estate.missing_groups.add(group)
                continue
            of_group = [rule for rule in app.policy.rules if group in rule.member_of]
            listed = await _list(app.directory.members(group), estate, _keep(of_group, holders))
        except InvoiceAccessError as failure:
            estate.people_complete = False
            estate.failures.append(Code.MEMBERS_NOT_READ(group=group, said=str(failure)))
        else:
            for object_id in listed:
                members.setdefault(object_id, set()).add(group)
    for asked, rules in sorted(_questions(app, estate.read_at).items()):
        try:
            await _preselect(app, estate, asked, rules, _keep(by_filter, holders))
        except InvoiceAccessError as failure:
            estate.people_complete = False
            estate.failures.append(Code.PEOPLE_NOT_READ(rules=tuple(rules), said=_unquoted(failure, asked)))
    for object_id in members.keys() & estate.people.keys():
        estate.people[object_id] = replace(estate.people[object_id], groups=frozenset(members[object_id]))
    too_many = _too_many_unreadable(app, estate)
    estate.people_complete = estate.people_complete and too_many is None
    estate.failures += [] if too_many is None else [too_many]


def _too_many_unreadable(app: App, estate: Estate) -> Reason | None:
    """That too large a share of the people cannot be read, where it is: then it is the answers that are odd.

    The share is that by which a population may shrink: of as many people a sweep knows as little.
    """
    unreadable, settings = len(estate.unreadable), app.settings
    listed = len(estate.unreadable.keys() | estate.people.keys() | estate.passed_over)
    is_too_many = unreadable * 100 > settings.population_shrink_percent * listed
    if not is_too_many or unreadable < settings.population_shrink_people:
        return None
    first = min(estate.unreadable)
    return Code.TOO_MANY_UNREADABLE(
        unreadable=unreadable,
        listed=listed,
        person=first,
        said=estate.unreadable[first].why,
        percent=settings.population_shrink_percent,
    )


def _keep(rules: Sequence[Rule], holders: AbstractSet[str] | None) -> _Keep:
    """Whom of a listing that is for these rules is kept: everybody, or the holders and whom one of the rules means."""
    if holders is None:
        return lambda _: True
    return lambda person: (
        isinstance(person, UnreadablePerson)
        or person.object_id in holders
        or any(_may_mean(rule, person) for rule in rules)
    )


def _may_mean(rule: Rule, person: Person) -> bool:
    """Whether a rule means somebody, as far as that can be told without their groups."""
    if rule.grant is not None:
        return means(rule, person)
    return rule.who.judge(person) is True if rule.who is not None else bool(rule.member_of)


async def _preselect(app: App, estate: Estate, asked: Asked, rules: Sequence[str], keep: _Keep) -> None:
    """Lists whom a filter preselects. A form that the directory refuses is asked for in the next wider one."""
    for wider, form in enumerate(asked, start=1):
        try:
            for odata_filter in form:
                if not estate.everybody_listed:
                    await _list(app.directory.people(odata_filter), estate, keep)
            estate.everybody_listed |= form == (EVERYBODY,)
        except QueryRefused as refusal:
            if wider == len(asked):
                raise
            estate.asked_wider |= dict.fromkeys(rules, Code.ASKED_WIDER(said=_unquoted(refusal, asked)))
        else:
            return


def _unquoted(failure: InvoiceAccessError, asked: Asked) -> str:
    """A failure without the filter's own texts: they may name people, and Graph repeats what it refuses."""
    literals = {text for form in asked for odata_filter in form for text in _LITERAL.findall(odata_filter)}
    return redact(str(failure), *(text.replace("''", "'") for text in sorted(literals)))


def _questions(app: App, now: datetime) -> dict[Asked, list[str]]:
    """What is asked for rules that name no group, each with those rules' names; named grants are asked for together."""
    asked: dict[Asked, list[str]] = {}
    for rule in app.policy.rules:
        if rule.who is not None and not rule.member_of and rule.grant is None:
            asked.setdefault(rule.who.requests, []).append(rule.name)
    return asked | dict(questions(rule for rule in app.policy.grants if not rule.is_over(now)))


async def _list(pages: AsyncIterator[ListedPerson], estate: Estate, keep: _Keep) -> set[str]:
    """Reads a population to its end before anybody in it counts. Who cannot be read in one listing is so in all."""
    listed: list[ListedPerson] = []
    passed_over: list[str] = []
    async for person in pages:
        if keep(person):
            listed.append(person)
        else:
            passed_over.append(person.object_id)
    estate.listed += len(listed) + len(passed_over)
    estate.passed_over.update(passed_over)
    estate.unreadable |= {person.object_id: person for person in listed if isinstance(person, UnreadablePerson)}
    estate.people |= {person.object_id: person for person in listed if isinstance(person, Person)}
    for object_id in estate.unreadable.keys() & estate.people.keys():
        del estate.people[object_id]
    return {*passed_over, *(person.object_id for person in listed)}


def _other_roles(estate: Estate) -> dict[ProfileKey, dict[str, str]]:
    return {
        profile: {
            row.principal_id: OTHER_RECIPIENT_ROLES[row.role] for row in rows if row.role in OTHER_RECIPIENT_ROLES
        }
        for profile, rows in estate.rows.items()
    }
