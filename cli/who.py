"""`who PROFILE`: who receives the next invoice, how each of them got there, and who may see it besides.

Lives here: the words. Who receives what is `shared.domain.receiving`'s.
"""

from collections.abc import Iterator
from typing import Any, Final

from cli import completing
from cli.answer import Answer, Cell, Line, Table, counted
from cli.lookup import find_profile
from cli.operating import StoreDesk, on_store
from cli.sighted import LEFT, NOTHING, WAITS, ago, day, doubts, iso_day
from shared.answers.documents import Rows
from shared.answers.receiving import read_receiving, receiving_body
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.receiving import MaySee, Receiving, Recipient, Sight
from shared.domain.seen import INVOICE_MANAGER_NAME
from shared.wording.say import say

_COLUMNS: Final = ("id", "name", "role", "how", "since", "by", "mailbox", "status", "profile_id", "profile")


def answer_of(profile: str) -> Answer:
    """Who receives a profile's next invoice. Raises `UsageError` where no profile, or several, are called so."""

    async def read(desk: StoreDesk) -> tuple[Sight, Receiving]:
        key, _ = await find_profile(desk.state, profile)
        return await read_receiving(desk, key)

    sight, found = on_store(read)
    completing.leave(profiles=sight.view.profiles)
    return Answer(
        "who",
        receiving_body(sight, found),
        [*doubts(sight), *_text(sight, found)],
        Rows(_COLUMNS, [_row(sight, found, one) for one in found.receives]),
        as_of=sight.view.as_of,
        complete=sight.view.complete and found.profile.rows is not None,
    )


def _text(sight: Sight, found: Receiving) -> Iterator[Line | Table]:
    profile = found.profile
    yield f"{profile.name} ({profile.key.profile}) {_mails(sight, found)}"
    if found.verdict is not None and found.will_mail:
        yield f"Checked {ago(sight.now - found.verdict.checked)}: {say(found.verdict.why)}."
    if profile.rows is None:
        yield "Who has a role there could not be read yet."
        return
    rows: list[list[Cell]] = []
    for one in found.receives:
        mark = LEFT if one.has_left else NOTHING if one.is_as_it_should_be else WAITS
        since = iso_day(one.row.created_on, sight.zone)
        name: Cell = (mark, one.called)
        rows.append([name, _status(sight, one), _how(sight, one), since and f"since {since}", _mailbox(one)])
    yield Table(("", "", "", "", ""), rows, titled=False, indent=2)
    if found.may_see:
        yield f"May open it without being sent it: {_others(found.may_see)}."
    if profile.addresses:
        yield (
            f"Addresses set on the profile itself: {', '.join(profile.addresses)}. "
            "Microsoft does not say what they do besides."
        )


def _mails(sight: Sight, found: Receiving) -> str:
    profile = found.profile
    if not profile.is_active:
        return f"mails nothing: its status is {profile.status}."
    if found.verdict is not None and not found.will_mail:
        return f"mails nothing: {say(found.verdict.why)}."
    if found.verdict is None and profile.opted_in is not True:
        off = "is off" if profile.opted_in is False else "is not known to be on"
        return (
            f"mails nothing: invoice mail {off}. {counted(len(found.receives), 'person', 'people')} would receive it."
        )
    when = "its next invoice" if found.day is None else f"its next invoice on {day(found.day, sight.today)}"
    gone = {0: "", 1: " One of them has left."}.get(found.left, f" {found.left} of them have left.")
    return f"mails {when} to {counted(found.people, 'person', 'people')}.{gone}"


def _status(sight: Sight, one: Recipient) -> str:
    if one.has_left:
        on = iso_day(one.left_on(sight.now), sight.zone)
        return f"left {on}" if on else "left"
    if one.waits is not None:
        return "removal waits"
    if one.row.given_by:
        return "as it should be" if one.row.managed else "unmanaged, and a rule gives it too"
    if one.row.managed:
        return "no rule gives it any more"
    return "unmanaged" if one.person is not None else "unmanaged, not known here"


def _how(sight: Sight, one: Recipient) -> str:
    """How somebody got there: a rule, a hand, or another role."""
    other = "" if one.row.role == INVOICE_MANAGER_NAME else f"{one.row.role}, "
    if one.row.managed:
        rules = one.row.given_by or one.row.rules
        was = "" if one.row.given_by else "was "
        return f"{was}{'rule' if len(rules) == 1 else 'rules'} {', '.join(rules)}" if rules else "managed"
    return f"{other}{_by(sight, one)}"


def _by(sight: Sight, one: Recipient) -> str:
    maker = one.row.created_by
    if maker is None:
        return "nobody says by whom"
    called = sight.names.get(maker)
    hand = "by the app" if called is not None and called.kind is PrincipalKind.APP else "by hand,"
    return f"{hand} {sight.called(maker)}"


def _mailbox(one: Recipient) -> str:
    return f"mailbox {one.mailbox.value}"


def _others(others: tuple[MaySee, ...]) -> str:
    """Who else may see it, by role; apps are counted, and members stand behind their group."""
    said: list[str] = []
    for role, where in dict.fromkeys((one.role, one.where) for one in others):
        of_role = [one for one in others if (one.role, one.where) == (role, where)]
        named = [
            _with_members(one, of_role) for one in of_role if one.group is None and one.kind is not PrincipalKind.APP
        ]
        apps = sum(one.kind is PrincipalKind.APP for one in of_role if one.group is None)
        said.append(f"{_listed([*named, *([counted(apps, 'app')] if apps else [])])} ({role} of {where})")
    return "; ".join(said)


def _with_members(one: MaySee, others: list[MaySee]) -> str:
    members = [other.called for other in others if other.group == one.principal]
    return f"{one.called} with {_listed(members)}" if members else one.called


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _row(sight: Sight, found: Receiving, one: Recipient) -> list[Any]:
    maker = one.row.created_by
    return [
        one.row.principal,
        one.called,
        one.row.role,
        _how(sight, one),
        one.row.created_on,
        "" if maker is None else sight.called(maker),
        one.mailbox.value,
        _status(sight, one),
        str(found.profile.key),
        found.profile.name,
    ]
