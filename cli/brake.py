"""`pause`, `resume`, `brake`: whether the app writes to Azure at all.

Lives here: the words for what stands and what it means. What each cause stops is `shared.domain.brake`'s.
"""

import argparse
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console

from cli.operating import DONE, REFUSED, UsageError, complaints, operate, shown, who
from shared.domain.brake import Brake, BrakeCause, Setting, stops
from shared.domain.plan import Strength
from shared.domain.policy import ActionKind
from shared.services import decisions
from shared.services.app import App

_LONGEST_WHY: Final = 500

_CLEARED_BY: Final[Mapping[bool, str]] = {
    True: "a complete sweep that finds nothing wrong clears it, or `resume`",
    False: "only `resume` clears it",
}


def add_to(commands: Any) -> None:
    """Adds the three commands to the command line."""
    pausing = commands.add_parser("pause", help="stop every write to Azure", description=_PAUSE)
    pausing.add_argument("--why", required=True, metavar="TEXT", help="for those who find it paused")
    pausing.add_argument("--by", metavar="NAME", help="who you are (default: the user of this machine)")
    pausing.set_defaults(run=run_pause)
    resuming = commands.add_parser("resume", help="clear the brake, whatever set it", description=_RESUME)
    resuming.add_argument("--by", metavar="NAME", help="who you are (default: the user of this machine)")
    resuming.set_defaults(run=run_resume)
    telling = commands.add_parser("brake", help="say what stops writes now; 1 when anything does", description=_BRAKE)
    telling.set_defaults(run=run_brake)


_PAUSE: Final = "Stops every write to Azure, a leaver's as well, until `resume`. Looks and sweeps go on."
_RESUME: Final = "Clears every cause of the brake. The next sweep takes up what was stopped."
_BRAKE: Final = "Says what stops writes now, since when and why. The exit status is 1 when anything does."


def run_pause(chosen: argparse.Namespace) -> int:
    """Sets the brake; 0."""

    async def verb(app: App) -> int:
        by, why = who(chosen.by), chosen.why.strip()
        if not 0 < len(why) <= _LONGEST_WHY:
            raise UsageError(f"--why: say in 1 to {_LONGEST_WHY} characters why, for those who find it paused")
        _tell(await decisions.pause(app, by, why))
        return DONE

    return operate(verb)


def run_resume(chosen: argparse.Namespace) -> int:
    """Clears the brake; 0, or 1 when a cause came in meanwhile."""

    async def verb(app: App) -> int:
        resumed = await decisions.resume(app, who(chosen.by))
        out = _out()
        if not resumed.cleared:
            out.print("The brake is not on: there is nothing to resume.")
            return DONE
        for cause, setting in resumed.cleared.items():
            out.print(f"Cleared: {_said(cause, setting)}")
        if (shrank := resumed.cleared.get(BrakeCause.POPULATION_SHRANK)) is not None:
            many = f"That {shrank.seen:,} people match" if shrank.seen else "How many people match"
            out.print(f"{many} the rules is accepted: the next sweep compares with that.")
        if BrakeCause.ROLE_LOST in resumed.cleared:
            out.print("The billing accounts that the next sweep finds are accepted, and no longer missed.")
        if resumed.remaining:
            complaints().print("Set again meanwhile, and left as it is:")
            _tell(Brake(resumed.remaining))
            return REFUSED
        out.print("The next sweep takes up what was stopped. Holds still wait: see `holds list`.")
        return DONE

    return operate(verb)


def run_brake(_: argparse.Namespace) -> int:
    """Says what stops writes; 0 when nothing does."""

    async def verb(app: App) -> int:
        brake = await decisions.brake_status(app)
        _tell(brake)
        return REFUSED if brake.causes else DONE

    return operate(verb)


def _tell(brake: Brake) -> None:
    out = _out()
    if not brake.causes:
        out.print("The brake is not on.")
    for cause, setting in brake.causes.items():
        out.print(_said(cause, setting))
        alone = Brake({cause: setting})
        passes = stops(alone, ActionKind.LEAVER_REVOKES, Strength.STRONG) is None
        out.print(f"  stops: everything{' but what leavers hold, on strong evidence' * passes}")
        out.print(f"  ends:  {_CLEARED_BY[setting.by_sweep]}")


def _said(cause: BrakeCause, setting: Setting) -> str:
    again = "" if setting.renewed is None else f", found again {shown(setting.renewed)}"
    return f"{cause.value}, since {shown(setting.since)}{again}, set by {setting.by}: {setting.why}"


def _out() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)
