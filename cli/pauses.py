"""`pause`, `resume`, `pauses`: whether the app writes to Azure at all.

Lives here: the words for pauses. What each stops is in `shared.domain.guards.pauses`.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from rich.console import Console

from cli import terminal
from cli.faults import UsageError
from cli.harmless import harmless
from cli.operating import (
    DONE,
    REFUSED,
    StoreDesk,
    confirmed,
    counted,
    operate_on_store,
    shown,
    who,
)
from cli.terminal import complaints
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.pauses import ENDED_BY_SWEEPS, STOPS_LEAVERS, Pause, PauseKind, Pauses, Setting
from shared.errors import Permanent, Transient
from shared.services.operate import decisions
from shared.services.operate.decisions import Resumed
from shared.wording.say import say

_LONGEST_WHY: Final = 500

_CLEARED_BY: Final[Mapping[bool, str]] = {
    True: "a complete sweep that finds nothing wrong ends it, or `resume`",
    False: "only `resume` ends it",
}


def add_to(commands: Any) -> None:
    """Adds the three commands to the command line."""
    pausing = commands.add_parser("pause", help="stop every write to Azure, or those on one part", description=_PAUSE)
    pausing.add_argument("--why", required=True, metavar="TEXT", help="for those who find it paused")
    pausing.add_argument("--on", default="", metavar="SCOPE", help=_SCOPE)
    pausing.add_argument("--by", metavar="NAME", help="who you are (default: the user of this machine)")
    pausing.set_defaults(run=run_pause)
    resuming = commands.add_parser("resume", help="end every pause, whatever set it", description=_RESUME)
    resuming.add_argument("--on", metavar="SCOPE", help=f"clear nothing else: {_SCOPE}, or `everywhere`")
    resuming.add_argument("--by", metavar="NAME", help="who you are (default: the user of this machine)")
    resuming.add_argument("--yes", action="store_true", help="do not ask, even if something is accepted")
    resuming.set_defaults(run=run_resume)
    telling = commands.add_parser(
        "pauses", help="show what stops writes now; 1 when anything does", description=_PAUSES
    )
    telling.set_defaults(run=run_pauses)


_SCOPE: Final = "a billing account's name, or <account>/<profile>"
_EVERYWHERE: Final = "everywhere"
"""How `resume --on` calls what stops everything."""

_PAUSE: Final = (
    "Stops every write to Azure, a leaver's as well, until `resume`; with --on only those on one billing account or "
    "profile. Checks and sweeps go on."
)
_RESUME: Final = (
    "Ends every pause, with --on those of one scope. The next sweep takes up what was stopped. If something is "
    "accepted, `resume` says what and asks first: after role-lost that accounts are missing, after population-shrank "
    "that there are fewer people."
)
_PAUSES: Final = "Shows what stops writes now, where, since when and why. The exit status is 1 when anything does."


def run_pause(chosen: argparse.Namespace) -> int:
    """Sets the pause; 0, or 1 when that could not be recorded."""

    async def verb(app: StoreDesk) -> int:
        by, why = who(chosen.by), chosen.why.strip()
        if not 0 < len(why) <= _LONGEST_WHY or harmless(why) != why:
            raise UsageError(
                f"--why: say why, for those who find it paused, in 1 to {_LONGEST_WHY} characters that can be shown"
            )
        _tell_store(app)
        scope = chosen.on.strip().lower()
        known = await decisions.known_scopes(app) if scope else None
        if known is not None and scope not in known:
            raise UsageError(
                f"--on: no billing account or profile {scope} is known; without --on, everything is paused"
            )
        paused = await decisions.pause(app, by, why, scope)
        if paused.unrecorded is not None:
            say = complaints()
            say.print(f"Writes are paused; it could not be recorded: {paused.unrecorded}", markup=False, soft_wrap=True)
            say.print("`verify` says what is wrong with the ledger. Once that is fixed, pause again to have it there.")
            return REFUSED
        if paused.already:
            _out().print("Already paused; your reason is recorded in `holds log`.")
        _tell(await decisions.read_pauses(app))
        await _doubt_store(app)
        return DONE

    return operate_on_store(verb)


def run_resume(chosen: argparse.Namespace) -> int:
    """Ends pauses. Returns 0, or 1 when one was set again meanwhile or the answer was no, 2 without a terminal."""

    async def verb(app: StoreDesk) -> int:
        by = who(chosen.by)
        _tell_store(app)
        await _doubt_store(app)
        pauses = _on(await decisions.read_pauses(app), chosen.on)
        accepted = await _accepted(app, pauses)
        if accepted and not chosen.yes:
            _tell(pauses, accepted)
            if not sys.stdin.isatty():
                raise UsageError("resume: there is no terminal to ask at whether that is accepted; give --yes")
            if not confirmed(_out(), "\naccept that, and resume?"):
                _out().print("Nothing was changed.")
                return REFUSED
        return _tell_resumed(await decisions.resume(app, by, pauses.active), accepted, chosen.on)

    return operate_on_store(verb)


def run_pauses(_: argparse.Namespace) -> int:
    """Says what stops writes; 0 when nothing does."""

    async def verb(app: StoreDesk) -> int:
        _tell_store(app)
        await _doubt_store(app)
        pauses = await decisions.read_pauses(app)
        try:
            accepted = await _accepted(app, pauses)
        except (Permanent, Transient) as failure:
            _tell(pauses)
            complaints().print(f"What `resume` accepts is not known: {failure}", markup=False, soft_wrap=True)
        else:
            _tell(pauses, accepted)
        return REFUSED if pauses.active else DONE

    return operate_on_store(verb)


def _on(pauses: Pauses, scope: str | None) -> Pauses:
    """The pauses of a scope, or all of them."""
    if scope is None:
        return pauses
    wanted = "" if scope.strip().lower() == _EVERYWHERE else scope.strip().lower()
    return Pauses({pause: setting for pause, setting in pauses.active.items() if pause.scope == wanted})


async def _accepted(app: StoreDesk, pauses: Pauses) -> Mapping[Pause, str]:
    """What `resume` accepts, in words, by the pause that told of it."""
    accepted = {pause: setting for pause, setting in pauses.active.items() if pause.kind in _ACCEPTED}
    if not accepted:
        return {}
    before = await decisions.last_good_sweep(app)
    return {pause: _ACCEPTED[pause.kind](pause, setting, before) for pause, setting in accepted.items()}


def _people(_: Pause, setting: Setting, before: Baseline | None) -> str:
    matching = "1 person matches" if setting.seen == 1 else f"{setting.seen:,} people match"
    now = f"that {matching} the rules" if setting.seen else "however many people match the rules at the next sweep"
    if before is None or not before.population:
        return now
    return f"{now}; it was {before.population:,} at the last good sweep, {shown(before.at)}"


def _accounts(pause: Pause, _: Setting, before: Baseline | None) -> str:
    if pause.scope:
        return f"that billing account {pause.scope} may be gone: where nothing of it is listed, it is no longer missed"
    now = "whichever billing accounts the next sweep finds"
    if before is None or not before.accounts:
        return f"{now}; no good sweep has said which there were"
    return (
        f"{now}. The last good sweep, {shown(before.at)}, saw {counted(len(before.accounts), 'billing account')}: "
        f"{', '.join(before.accounts)}. One of these that is gone as a whole is no longer missed"
    )


_ACCEPTED: Final[Mapping[PauseKind, Callable[[Pause, Setting, Baseline | None], str]]] = {
    PauseKind.POPULATION_SHRANK: _people,
    PauseKind.ROLE_LOST: _accounts,
}


def _tell_resumed(resumed: Resumed, accepted: Mapping[Pause, str], scope: str | None) -> int:
    out = _out()
    for pause, setting in resumed.cleared.items():
        out.print(f"Cleared: {_said(pause, setting)}")
        if pause in accepted:
            out.print(f"  accepted: {accepted[pause]}")
    if _on(Pauses(resumed.remaining), scope).active:
        complaints().print("Set again meanwhile, and left as it is:")
        _tell(_on(Pauses(resumed.remaining), scope))
        return REFUSED
    if resumed.remaining:
        out.print("Still paused:")
        _tell(Pauses(resumed.remaining))
    if not resumed.cleared:
        where = "" if scope is None else f" for {scope}"
        out.print(f"Nothing is paused{where}: there is nothing to resume.")
        return DONE
    out.print("The next sweep takes up what was stopped. Holds still wait: see `holds list`.")
    return DONE


def _tell_store(app: StoreDesk) -> None:
    _out().print(f"Store: {app.store}")


async def _doubt_store(app: StoreDesk) -> None:
    """Warns about a store that has no sweep: a pause there may stop nobody."""
    say = complaints()
    try:
        if not await decisions.was_swept(app):
            say.print("This store has no sweep yet. Is it the one that the app uses?", soft_wrap=True)
    except (Permanent, Transient) as failure:
        doubt = f"Whether this store has a sweep is not known: {failure}"
        say.print(doubt, markup=False, soft_wrap=True)


def _tell(pauses: Pauses, accepted: Mapping[Pause, str] | None = None) -> None:
    out = _out()
    if not pauses.active:
        out.print("Nothing is paused.")
    for pause, setting in sorted(pauses.active.items()):
        out.print(_said(pause, setting))
        passes = pause.kind not in STOPS_LEAVERS
        out.print(f"  stops: {_WHAT[pause.scope.count('/') + bool(pause.scope)]}{_LEAVERS * passes}")
        out.print(f"  ends:  {_CLEARED_BY[pause.kind in ENDED_BY_SWEEPS]}")
        if accepted and pause in accepted:
            out.print(f"  `resume` accepts: {accepted[pause]}")


_WHAT: Final = ("everything", "everything on this billing account", "everything on this billing profile")
_LEAVERS: Final = ", but no leaver's revoke on strong evidence"


def _said(pause: Pause, setting: Setting) -> str:
    again = "" if setting.renewed is None else f", found again {shown(setting.renewed)}"
    return f"{pause}, since {shown(setting.since)}{again}, set by {setting.by}: {say(setting.why)}"


def _out() -> Console:
    return terminal.out()
