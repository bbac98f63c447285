"""Plays the story, tells it as it goes, and says at the end whether the world was as expected."""

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from sandbox.contoso import STANDARD_WORLD, names
from sandbox.demo.bad_days import identity_outage, killed_in_a_burst
from sandbox.demo.office import Office
from sandbox.demo.story import (
    CHAPTERS,
    PROJECT_RULE,
    Seen,
    Step,
    graph_tells,
    nothing_else,
    removed_rule,
)
from sandbox.host.host import HostStartError
from sandbox.settings import PROJECT, STANDARD_POLICY, Mode, Options
from sandbox.trying import to_try
from sandbox.up import Sandbox, StartError, app_folder, running, switch
from sandbox.world import load_world

SHORTENED: Final = {
    "INVOICE_ACCESS_SETTLE_SECONDS": ("1", "300"),
    "INVOICE_ACCESS_COALESCE_SECONDS": ("1", "30"),
    "INVOICE_ACCESS_IDENTITY_WAIT_SECONDS": ("1", "60"),
    "INVOICE_ACCESS_INTENT_SECONDS": ("5", "120"),
    "INVOICE_ACCESS_PROFILE_UPDATE_SECONDS": ("2", "600"),
    "INVOICE_ACCESS_VERIFY_SECONDS": ("1, 2, 4", "30, 120, 600"),
}
"""The waits that the demo shortens: setting to (value here, default)."""

_KEEPING: Final = "make demo KEEP=1"
_KEPT: Final = Path("var/demo")
"""Where that leaves it, from the project's folder."""

_UPDATE_SECONDS: Final = 1.0
_PATIENCE: Final = 30.0
_OBSERVED_PATIENCE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """One step as it was played."""

    name: str
    seen: Seen
    seconds: float

    def as_report(self) -> dict[str, Any]:
        """For the report file."""
        return {
            "name": self.name,
            "ok": self.seen.ok,
            "expected": self.seen.expected,
            "observed": self.seen.observed,
            "seconds": round(self.seconds, 3),
        }


async def play(office: Office, step: Step) -> Told:
    """Plays one step. A client that fails is what was observed."""
    seen = Seen()
    began = time.monotonic()
    try:
        await step.play(office, seen)
    except Exception as failure:  # noqa: BLE001 - whatever stops a step is what was observed, and goes into the report
        seen.check("the step could be played", "yes", f"{type(failure).__name__}: {failure}")
    return Told(step.name, seen, time.monotonic() - began)


def tell(console: Console, told: Told) -> None:
    """Tells one step: what happened, why, and what differed."""
    mark = "[green]✓[/green]" if told.seen.ok else "[red]✗[/red]"
    console.print(f"{mark} [bold]{told.name}[/bold] [dim]{told.seconds:.1f} s[/dim]")
    for line in told.seen.told:
        console.print(f"    {line}", markup=False, highlight=False)
    for what, expected in told.seen.expected.items():
        observed = told.seen.observed[what]
        if expected != observed:
            console.print(f"    {what}: expected {expected}, observed {observed}", style="red", markup=False)


def _hurry(sandbox: Sandbox) -> None:
    """Billing takes `_UPDATE_SECONDS` to update a profile, not the 10 s of the real service's examples."""
    sandbox.billing.switches = replace(
        sandbox.billing.switches, update_seconds=_UPDATE_SECONDS, update_retry_after_seconds=int(_UPDATE_SECONDS)
    )


async def _enforced(console: Console, policy: Path, common: Options) -> list[Told]:
    options = replace(common, policy=policy, mode=Mode.ENFORCE, state=policy.parent / "enforced")
    played: list[Told] = []
    async with running(options) as sandbox, Office(sandbox, patience=_PATIENCE) as office:
        _hurry(sandbox)
        console.print(
            f"Contoso is up on this machine: {len(sandbox.world.users)} people, 4 billing accounts, "
            f"12 billing profiles that can be managed.\n"
        )
        last = (
            ("A policy change", (Step("a removed rule is cleaned up", removed_rule(policy)),)),
            ("An outage", (Step("the identity endpoint is down while the app starts", identity_outage),)),
            ("A bad day", (Step("the app is killed in the middle of a burst", killed_in_a_burst),)),
            ("The books", (Step("managed is what the policy gives, the rest was never touched", nothing_else),)),
        )
        for title, steps in (*CHAPTERS, *last):
            console.print(f"[bold cyan]{title}[/bold cyan]")
            for coming in [asyncio.create_task(play(office, step)) for step in steps]:
                told = await coming
                tell(console, told)
                played.append(told)
            console.print()
    return played


async def _observed(policy: Path, common: Options) -> Told:
    """The same story where the policy says `enforce: none`: checks and `would`, and not one write."""
    began = time.monotonic()
    seen = Seen()
    async with (
        running(replace(common, policy=policy, mode=Mode.OBSERVE, state=policy.parent / "seen")) as sandbox,
        Office(sandbox, patience=_OBSERVED_PATIENCE) as office,
    ):
        _hurry(sandbox)
        for _, steps in CHAPTERS:
            await asyncio.gather(*(play(office, step) for step in steps))
        log = sandbox.app_log.read_text(encoding="utf-8") if sandbox.app_log is not None else ""
        would = log.count('"outcome": "would"')
        writes = [entry for entry in sandbox.billing.audit if entry.caller == names.APP_OBJECT_ID]
    seen.say(f"A second Contoso with `enforce: none` lived the same days: {would} times 'would', {len(writes)} writes.")
    seen.check("writes by the app", 0, len(writes))
    seen.check("it said what it would have done", expected=True, observed=would > 0)
    return Told("the same story, observed, writes nothing", seen, time.monotonic() - began)


async def _notified(policy: Path, common: Options) -> Told:
    """A third Contoso, whose directory notifies the app of changes: subscriptions made, then people changed."""
    options = replace(common, policy=policy, state=policy.parent / "notified", notifications=True)
    async with running(options) as sandbox, Office(sandbox, patience=_PATIENCE) as office:
        await office.run("subscriptions")
        return await play(office, Step("Graph's own notifications, and nobody sends an event", graph_tells))


async def tell_story(console: Console, switches: Mapping[str, Any], app: Path) -> list[Told]:
    """Plays everything with the app in the folder `app` on three fresh sandboxes, and returns how each step went."""
    settings = {name: short for name, (short, _) in SHORTENED.items()}
    common = Options(settings=settings, switches=switches, app_directory=app)
    console.print("[bold]A finance department, its people, and who gets which Azure invoices[/bold]")
    shown = ", ".join(f"{name} {short} s instead of {full} s" for name, (short, full) in SHORTENED.items())
    console.print(
        f"[dim]Shortened for the demo: {shown}; billing updates a profile in {_UPDATE_SECONDS:.0f} s "
        f"instead of 10 s.[/dim]",
        highlight=False,
    )
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="a-finance-story-"))
    try:
        policies = [folder / "enforced.yaml", folder / "observed.yaml"]
        text = STANDARD_POLICY.read_text(encoding="utf-8")
        for policy in policies:
            policy.write_text(text.replace("\nemail_invoicing:", f"{PROJECT_RULE}\nemail_invoicing:"), encoding="utf-8")
        async with asyncio.TaskGroup() as both:
            observed = both.create_task(_observed(policies[1], common))
            enforced = both.create_task(_enforced(console, policies[0], common))
        notified = await _notified(policies[1], common)
        played = [*enforced.result(), observed.result(), notified]
        for title, told in (("Observed", observed.result()), ("Notified", notified)):
            console.print(f"[bold cyan]{title}[/bold cyan]")
            tell(console, told)
            console.print()
    finally:
        shutil.rmtree(folder)
    return played


def verdict(played: Sequence[Told]) -> int:
    """The exit status: 0 when every step went as expected, 1 when one differed."""
    return 0 if all(told.seen.ok for told in played) else 1


def main(arguments: Sequence[str]) -> int:
    """Plays the demo; returns 0 when every step went as expected, 1 when one differed."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox demo", description="A finance department's story, played and checked."
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write what was expected and observed as JSON")
    parser.add_argument(
        "--switch", type=switch, action="append", default=[], metavar="arm.NAME=VALUE", help="a stand-in's switch"
    )
    parser.add_argument("--app", type=app_folder, default=PROJECT, metavar="DIR", help="the app (default: this one)")
    given = parser.parse_args(arguments)
    if given.report is not None and not given.report.absolute().parent.is_dir():
        parser.exit(2, f"{parser.prog}: --report: there is no folder {given.report.absolute().parent}\n")
    console = Console(soft_wrap=True)
    logging.getLogger("sandbox").addHandler(logging.NullHandler())  # the story kills the app; that is no news
    began = time.monotonic()
    try:
        played = asyncio.run(tell_story(console, dict(given.switch), given.app))
    except (HostStartError, StartError) as failure:
        print(f"python -m sandbox demo: the app does not start:\n{failure}", file=sys.stderr)
        return 1
    ok = all(told.seen.ok for told in played)
    if given.report is not None:
        report = {"ok": ok, "steps": [told.as_report() for told in played]}
        given.report.write_text(json.dumps(report, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    failed = [told.name for told in played if not told.seen.ok]
    said = "[green]as expected[/green]" if ok else f"[red]{len(failed)} differed: {', '.join(failed)}[/red]"
    console.print(f"\n{len(played)} steps in {time.monotonic() - began:.0f} s: {said}")
    _tell_what_to_try(console)
    return verdict(played)


def _tell_what_to_try(console: Console) -> None:
    """What to do next: in a Contoso that stays, which this one does not."""
    console.print("\n[bold]Try it yourself[/bold]")
    console.print(f"{_KEEPING} leaves a Contoso running that has two weeks behind it. In another terminal:")
    for line in to_try(load_world(STANDARD_WORLD), _KEPT / "app.env"):
        console.print(f"    {line}", markup=False, highlight=False)
