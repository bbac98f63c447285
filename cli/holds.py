"""`holds list | show | release | dismiss | log`: what waits for a person, and what that person decides.

Lives here: showing holds and decisions, and asking. What a decision does is `shared.services.operate.decisions`'.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console

from cli import terminal
from cli.faults import UsageError
from cli.operating import (
    BAD_ARGUMENTS,
    DONE,
    REFUSED,
    StoreDesk,
    confirmed,
    counted,
    moment,
    operate,
    operate_on_store,
    shown,
    who,
)
from cli.terminal import complaints
from shared.domain.guards.hold_listing import HoldGroup, HoldListing
from shared.domain.guards.holds import Hold, Status
from shared.domain.history.records import DecidedHold, DecisionBody, Record
from shared.services.app import App
from shared.services.operate import decisions
from shared.services.operate.decisions import Decided
from shared.wording.say import say, with_text

_DESCRIPTION: Final = (
    "What waits for a person to decide: actions that a daily limit, a sweep, a changed policy or a profile's history "
    "stopped. A released one is done, whatever the daily limit; a dismissed one is left alone until its reason "
    "changes. Nothing is written to Azure from here: the app's next checks do that. More: docs/guards.md."
)

_NAMED: Final = 5
"""Dismissed holds that are named one by one; where there are more, `holds show` does."""


def add_to(commands: Any) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser("holds", help="what waits for a person to decide", description=_DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="every hold, each group in one line")
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.set_defaults(run=run_list)
    showing = verbs.add_parser("show", help="everything about one hold, or every member of a group")
    showing.add_argument("name", metavar="ID|GROUP")
    showing.add_argument("--json", action="store_true", help="for programs")
    showing.set_defaults(run=run_show)
    logging = verbs.add_parser("log", help="every decision that was recorded, pause and resume as well, newest last")
    logging.add_argument("--json", action="store_true", help="for programs")
    logging.set_defaults(run=run_log)
    releasing = verbs.add_parser("release", help="have the actions done, whatever the daily limit")
    dismissing = verbs.add_parser("dismiss", help="have them left alone until the action changes")
    for deciding, run in ((releasing, run_release), (dismissing, run_dismiss)):
        deciding.add_argument("names", metavar="ID|GROUP", nargs="*")
        deciding.add_argument("--as-listed", metavar="TIME", help="refuse what came in or changed after this time")
        deciding.add_argument("--by", metavar="NAME", help="who you are (default: the user of this machine)")
        deciding.add_argument("--why", default="", metavar="TEXT", help="for the record")
        deciding.add_argument("--yes", action="store_true", help="do not ask; release then needs --as-listed")
        deciding.set_defaults(run=run)
    releasing.add_argument("--all", action="store_true", help="everything that waits")


def run_list(chosen: argparse.Namespace) -> int:
    """Lists the holds; 0."""

    async def verb(app: StoreDesk) -> int:
        listing = await decisions.list_holds(app)
        out = _out()
        if chosen.json:
            lines = [
                {"id": line.id, "group": line.is_group, "holds": [_as_json(hold) for hold in line.holds]}
                for line in listing.groups
            ]
            out.print(json.dumps({"as_listed": listing.at.isoformat(), "holds": lines}, indent=2, default=with_text))
            return DONE
        waiting = sum(hold.status is Status.OPEN for hold in listing.holds)
        verb = "waits" if waiting == 1 else "wait"
        out.print(f"{counted(waiting, 'action')} {verb} for a decision.")
        for line in listing.groups:
            _tell_line(out, line)
        if listing.holds:
            out.print(f"\nas listed: {listing.at.isoformat()}")
        return DONE

    return operate_on_store(verb)


def run_show(chosen: argparse.Namespace) -> int:
    """Shows the members of a group, or a hold; 1 when there is none of that name."""

    async def verb(app: StoreDesk) -> int:
        listing = await decisions.list_holds(app)
        holds = listing.of([chosen.name])
        if not holds:
            complaints().print(f"{chosen.name}: {_NO_SUCH}", markup=False, soft_wrap=True)
            return REFUSED
        out = _out()
        harmed = {hold.id: await decisions.harm(app, hold) for hold in holds}
        if chosen.json:
            shown_holds = [_as_json(hold) | ({"changed": harmed[hold.id]} if harmed[hold.id] else {}) for hold in holds]
            out.print(
                json.dumps({"as_listed": listing.at.isoformat(), "holds": shown_holds}, indent=2, default=with_text)
            )
            return DONE
        for hold in holds:
            _tell_hold(out, hold)
            for name, (before, after) in harmed[hold.id].items():
                out.print(f"    {name}")
                out.print(f"      - {json.dumps(before, ensure_ascii=False)}")
                out.print(f"      + {json.dumps(after, ensure_ascii=False)}")
        out.print(f"\nas listed: {listing.at.isoformat()}")
        return DONE

    return operate_on_store(verb)


def run_log(chosen: argparse.Namespace) -> int:
    """Lists the decisions as they were recorded; 0."""

    async def verb(app: StoreDesk) -> int:
        records = await decisions.log(app)
        out = _out()
        if chosen.json:
            out.print(json.dumps([_record_as_json(*one) for one in records], indent=2, default=with_text))
            return DONE
        out.print(f"{counted(len(records), 'decision')}.")
        for record, decision in records:
            _tell_record(out, record, decision)
        return DONE

    return operate_on_store(verb)


def run_release(chosen: argparse.Namespace) -> int:
    """Releases holds; 0 when all of them were, 1 when it was refused, 2 when it was not said what or as of when."""
    if chosen.yes and chosen.as_listed is None:
        return _mistaken("--yes: say as of when with --as-listed, and the time that `holds list` ended with")
    if bool(chosen.names) is chosen.all:
        return _mistaken("holds release: name holds or groups as `holds list` shows them, or give --all; not both")

    async def verb(app: App) -> int:
        return await _decide(app, chosen, None if chosen.all else chosen.names)

    return operate(verb)


def run_dismiss(chosen: argparse.Namespace) -> int:
    """Dismisses holds; 0 when all of them were, 1 when it was refused."""
    if not chosen.names:
        return _mistaken("holds dismiss: name holds or groups as `holds list` shows them")

    async def verb(app: App) -> int:
        return await _decide(app, chosen, chosen.names)

    return operate(verb)


_NO_SUCH: Final = "there is no hold or group of this name, or no longer; `holds list` shows those there are"


async def _decide(app: App, chosen: argparse.Namespace, names: Sequence[str] | None) -> int:
    by = who(chosen.by)
    as_listed = None if chosen.as_listed is None else moment(chosen.as_listed, "--as-listed")
    listing: HoldListing | None = None
    if not chosen.yes:
        if not sys.stdin.isatty():
            needed = "--yes and --as-listed TIME" if chosen.verb == "release" else "--yes"
            raise UsageError(f"holds {chosen.verb}: there is no terminal to ask at; give {needed}")
        listing = await decisions.list_holds(app)
        if not _confirm(chosen.verb, _concerned(listing, names)):
            _out().print("Nothing was changed.")
            return REFUSED
    seen = as_listed or listing
    if chosen.verb == "release":
        assert seen is not None, "without --yes it was listed, and --yes needs --as-listed"
        decided = await decisions.release(app, names, by, seen, why=chosen.why)
    else:
        decided = await decisions.dismiss(app, names or (), by, seen, why=chosen.why)
    return await _tell_decided(app, chosen.verb, decided, names)


def _concerned(listing: HoldListing, names: Sequence[str] | None) -> list[Hold]:
    """What a decision is about: of a group, what was not dismissed before."""
    named = frozenset(names or ())
    return [hold for hold in listing.of(names) if hold.status is not Status.DISMISSED or hold.id in named]


def _confirm(verb: str, holds: Sequence[Hold]) -> bool:
    """Shows what a decision would concern, and asks. Where that is nothing, the decision itself will say so."""
    out = _out()
    if not holds:
        return True
    for hold in holds:
        _tell_hold(out, hold)
    return confirmed(out, f"\n{verb} {counted(len(holds), 'action')}?")


async def _tell_decided(app: App, verb: str, decided: Decided, names: Sequence[str] | None) -> int:
    done = f"{verb}{'d' if verb.endswith('e') else 'ed'}"
    if decided.differences:
        err = complaints()
        for difference in decided.differences:
            err.print(f"{difference.name}: {say(difference.what)}", markup=False, soft_wrap=True)
        so_far = f"{counted(len(decided.holds), 'action')} had been {done} before the world moved, and stay so."
        err.print(so_far if decided.holds else "Nothing was changed. List the holds, and decide again.", soft_wrap=True)
        return REFUSED
    out = _out()
    if not decided.holds:
        left = [] if verb != "release" else (await decisions.list_holds(app)).of(names)
        out.print(_of_dismissed([hold for hold in left if hold.status is Status.DISMISSED]))
        return DONE
    out.print(f"{counted(len(decided.holds), 'action')} {done}:")
    for hold in decided.holds:
        out.print(f"    {hold.id}  {_action(hold)}")
    if decided.last_due is not None:
        out.print(
            f"The last of them is checked from {shown(decided.last_due)} on; then its hold goes, or says why not."
        )
        if (await decisions.read_pauses(app)).active:
            out.print("Writes are paused: what it stops is done by the first sweep after `resume`.")
    return DONE


def _of_dismissed(holds: Sequence[Hold]) -> str:
    """Why nothing was released: what there is was dismissed."""
    if not holds:
        return "There is nothing that waits."
    if len(holds) == 1:
        return f"1 is dismissed; release it by its own id {holds[0].id}"
    each = f"{len(holds):,} are dismissed; release each by its own id"
    if len(holds) > _NAMED:
        return f"{each}, as `holds show` lists them"
    return f"{each}: {', '.join(sorted(hold.id for hold in holds))}"


def _tell_line(out: Console, line: HoldGroup) -> None:
    if not line.is_group:
        _tell_hold(out, line.holds[0])
        return
    holds = line.holds
    latest = max(holds, key=lambda hold: hold.renewed)
    statuses = Counter(hold.status.value for hold in holds)
    figures = ", ".join(f"{number} {status}" for status, number in statuses.items())
    profiles = len({hold.profile for hold in holds})
    kinds = Counter(hold.kind.value.removesuffix("s").replace("_", " ") for hold in holds)
    out.print(f"\n{line.id}  ({figures})")
    out.print(f"    {', '.join(counted(number, kind) for kind, number in kinds.items())}", end="")
    out.print(f" for {counted(len({hold.key for hold in holds}), 'key')} on {counted(profiles, 'profile')}")
    out.print(f"    stopped by {latest.stopped_by.value}, first {shown(holds[0].since)}: {say(latest.why)}")
    if refused := [hold.refused for hold in holds if hold.refused is not None]:
        out.print(f"    {counted(len(refused), 'release')} of it not carried out: {say(refused[0])}")


def _tell_hold(out: Console, hold: Hold) -> None:
    decided = f" by {hold.by}, {shown(hold.decided_at)}" if hold.decided_at is not None else ""
    out.print(f"\n{hold.id}  ({hold.status.value}{decided})" + (f"  of group {hold.group}" if hold.group else ""))
    out.print(f"    {_action(hold)}")
    if hold.basis is not None:
        out.print(f"    because: {say(hold.basis)}")
    out.print(f"    stopped by {hold.stopped_by.value}, since {shown(hold.since)}: {say(hold.why)}")
    if hold.refused is not None:
        out.print(f"    the last release was not carried out: {say(hold.refused)}")


def _action(hold: Hold | DecidedHold) -> str:
    return f"{hold.kind.value.removesuffix('s').replace('_', ' ')}: {hold.key.canonical} on {hold.profile}"


def _tell_record(out: Console, record: Record, decision: DecisionBody) -> None:
    """Tells what was decided, and where, if it was not everywhere."""
    why = f": {decision.why}" if decision.why else ""
    where = f" on {decision.scope}" if decision.scope else ""
    out.print(f"\n{shown(record.at)}  {decision.verb}{where} by {decision.by}{why}")
    for pause, setting in (decision.pauses or {}).items():
        out.print(f"    {pause}, since {setting.since.isoformat()}, set by {setting.by}: {say(setting.why)}")
    for hold in decision.holds:
        of = f"  of group {hold.group}" if hold.group else ""
        out.print(f"    {hold.id}  {_action(hold)}{of}")
    for difference in decision.refused:
        out.print(f"    refused: {say(difference)}")


def _record_as_json(record: Record, decision: DecisionBody) -> dict[str, Any]:
    """What a decision says, without what it says nothing of."""
    pauses = {
        pause: {"since": setting.since.isoformat(), "by": setting.by, "why": setting.why}
        for pause, setting in (decision.pauses or {}).items()
    }
    holds = [
        {
            "id": hold.id,
            "key": hold.key.canonical,
            "kind": hold.kind.value,
            "profile": str(hold.profile),
            "basis": hold.basis,
        }
        | ({"group": hold.group} if hold.group else {})
        for hold in decision.holds
    ]
    told: dict[str, Any] = {
        "verb": decision.verb.value,
        "by": decision.by,
        "why": decision.why,
        "scope": decision.scope,
        "pauses": pauses,
        "holds": holds,
        "refused": list(decision.refused),
        "differences": decision.differences,
        "decided": list(decision.decided),
    }
    return {"sequence": record.sequence, "at": record.at.isoformat()} | {name: one for name, one in told.items() if one}


def _as_json(hold: Hold) -> dict[str, Any]:
    return {
        "id": hold.id,
        "group": hold.group,
        "status": hold.status.value,
        "key": hold.key.canonical,
        "kind": hold.kind.value,
        "profile": str(hold.profile),
        "basis": hold.basis,
        "why": hold.why,
        "stopped_by": hold.stopped_by.value,
        "since": hold.since.isoformat(),
        "renewed": hold.renewed.isoformat(),
        "by": hold.by,
        "decided_at": hold.decided_at.isoformat() if hold.decided_at is not None else None,
        "refused": hold.refused,
    }


def _mistaken(what: str) -> int:
    complaints().print(what, markup=False, soft_wrap=True)
    return BAD_ARGUMENTS


def _out() -> Console:
    return terminal.out()
