"""`profiles list | show`: every billing profile, as the latest full check saw it.

Lives here: lines, rows and JSON of profiles. What a view knows of them is `shared.domain.roster`'s.
"""

from typing import Final

from cli import completing
from cli.answer import Answer, Cell, Line, Part, Shade, Table, counted
from cli.hold_words import holds_table
from cli.lookup import find_profile
from cli.operating import StoreDesk, on_store
from cli.out import Out
from cli.people import Filter, how
from cli.sighted import doubts, iso_day
from shared.answers.documents import Rows, iso
from shared.answers.holds import hold_json
from shared.answers.known import Known, person_json
from shared.answers.roster import profile_listed_json, read_profiles
from shared.domain.receiving import Sight
from shared.domain.roster import ListedProfile
from shared.errors import Permanent

_COLUMNS: Final = (
    *("id", "name", "account", "status", "currency", "opted_in", "enforced", "next_invoice", "recipients", "managed"),
    *("unmanaged", "left", "strays", "waiting"),
)


def list_profiles(out: Out, narrowed: Filter) -> int:
    """Lists profiles."""
    sight, profiles, _ = on_store(read_profiles)
    completing.leave(profiles=sight.view.profiles)
    kept = [one for one in profiles if _takes(narrowed, one)]
    of = "" if len(kept) == len(profiles) else f" of {len(profiles):,}"
    text: list[Line | Table] = [*doubts(sight)]
    if kept:
        titles = ("PROFILE", "ID", "MAIL", "NEXT", "RECIPIENTS", "MANAGED", "DIFFERS")
        text.append(Table(titles, [_row(one) for one in kept]))
    text.append(f"{counted(len(kept), 'profile')}{of}.")
    things = [profile_listed_json(one) for one in kept]
    return out.answer(
        Answer(
            "profiles",
            {"profiles": things},
            text,
            Rows.of(_COLUMNS, things),
            as_of=sight.view.as_of,
            complete=sight.view.complete,
        )
    )


def show_profile(out: Out, text: str) -> int:
    """Shows a profile and everybody with a role there."""

    async def read(desk: StoreDesk) -> tuple[Sight, ListedProfile, Known]:
        key, _ = await find_profile(desk.state, text)
        sight, profiles, known = await read_profiles(desk)
        found = next((one for one in profiles if one.profile.key == key), None)
        if found is None:
            raise Permanent("the last full check did not list that profile; the next one does")
        return sight, found, known

    sight, one, known = on_store(read)
    profile = one.profile
    lines: list[Line | Table] = [
        *doubts(sight),
        f"{profile.name} ({profile.key})",
        Table(("", ""), [[name, said] for name, said in _figures(one)], titled=False, indent=2),
    ]
    if profile.rows is None:
        lines.append("Who has a role there could not be read yet.")
    else:
        rows: list[list[Cell]] = [
            [sight.called(row.principal), row.role, how(sight, row), iso_day(row.created_on, sight.zone)]
            for row in profile.rows
        ]
        lines.append(Table(("WHO", "ROLE", "BY", "SINCE"), rows))
    if one.waits:
        lines += ["Waits for a decision:", holds_table(one.waits, known)]
    body = profile_listed_json(one) | {
        "addresses": list(profile.addresses),
        "read_at": iso(profile.seen),
        "roles": [
            {
                **person_json(sight, row.principal),
                "type": row.principal_type,
                "role": row.role,
                "managed": row.managed,
                "rules": list(row.given_by or row.rules),
                "should": bool(row.given_by),
                "since": iso(row.created_on),
                "by": None if row.created_by is None else person_json(sight, row.created_by),
            }
            for row in profile.rows or ()
        ],
        "waits": [hold_json(hold, known) for hold in one.waits],
    }
    complete = sight.view.complete and profile.rows is not None
    return out.answer(
        Answer(
            "profiles-show",
            body,
            lines,
            Rows.of(_COLUMNS, [profile_listed_json(one)]),
            as_of=sight.view.as_of,
            complete=complete,
        )
    )


def _takes(narrowed: Filter, one: ListedProfile) -> bool:
    return not (
        (narrowed.unmanaged and not one.unmanaged)
        or (narrowed.left and not one.left)
        or (narrowed.waiting and not one.waits)
        or (narrowed.differs and not one.differs)
    )


def _row(one: ListedProfile) -> list[Cell]:
    profile = one.profile
    recipients = None if profile.rows is None else one.receiving.people
    next_ = "" if one.day is None else one.day.isoformat()
    managed = None if profile.rows is None else one.managed
    return [profile.name, profile.key.profile, _mail(one), next_, recipients, managed, _differs(one)]


def _mail(one: ListedProfile) -> Cell:
    profile = one.profile
    if not profile.is_active:
        return Part(profile.status.lower() or "no status", Shade.DIM)
    return {True: Part("on"), False: Part("off", Shade.REMOVED), None: Part("not known", Shade.REMOVED)}[
        profile.opted_in
    ]


def _differs(one: ListedProfile) -> Cell:
    parts = [(len(one.waits), "wait" if len(one.waits) > 1 else "waits"), (one.left, "left")]
    said = [f"{number} {what}" for number, what in parts if number]
    said += [f"{one.strays} without a rule"] if one.strays else []
    return Part(", ".join(said), Shade.WAITS)


def _figures(one: ListedProfile) -> list[tuple[str, Cell]]:
    profile = one.profile
    day = "not known" if one.day is None else one.day.isoformat()
    figures: list[tuple[str, Cell]] = [
        ("status", profile.status),
        ("invoice mail", _mail(one)),
        ("next invoice", day),
        ("policy", "enforced" if profile.enforced else "observed: nothing is written"),
        ("recipients", f"{one.receiving.people:,}, {one.managed:,} managed and {one.unmanaged:,} unmanaged"),
    ]
    figures += [("currency", profile.currency)] if profile.currency else []
    figures += [("addresses", ", ".join(profile.addresses))] if profile.addresses else []
    return figures
