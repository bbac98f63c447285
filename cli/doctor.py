"""`doctor`: every check that a new deployment gets wrong, and what mends it.

Lives here: opening what can be opened, whatever else is wrong, and the answer. Conclusions are
`shared.domain.diagnosis`'s, their words `cli.doctor_words`'s.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cli.actor import signed_in
from cli.answer import Answer, Line, Part, Shade, counted
from cli.doctor_words import found, mend
from cli.faults import Status, UsageError
from cli.operating import open_app, open_store
from shared.answers.documents import Rows
from shared.bootstrap_policy import read_policy
from shared.domain import diagnosis
from shared.domain.diagnosis import Check, Name, NotRead, State
from shared.domain.policy.model import Policy
from shared.errors import Misconfigured, NotSignedIn, Permanent, Transient
from shared.services.app import App
from shared.services.operate.doctor import (
    NEEDS_SETTINGS,
    NEEDS_STORE,
    Kept,
    Looks,
    examine_kept,
    examine_live,
    read_kept,
)
from shared.settings import Settings
from shared.sources.registry import wrong_sources

_APP_FOLDER: Final = Path(__file__).resolve().parent.parent
_OVERRIDES: Final = "azurefunctionsjobhost__"
"""How settings begin by which the platform replaces a value of host.json."""

_WIDTH: Final = 24
"""The column in which stands what was found."""

_TOGETHER: Final = 3
"""From so many on, checks of which nothing is known for one reason are told together."""

_MARKS: Final = {
    State.GOOD: Part("✓", Shade.GIVEN),
    State.TO_MEND: Part("✕", Shade.REMOVED),
    State.NOT_READ: Part("?", Shade.WAITS),
    State.NOT_TOLD: Part("?", Shade.WAITS),
}


def answer_of() -> Answer:
    """Every check, in the order of `Name`."""
    order = list(Name)
    checks = sorted(asyncio.run(_examine()), key=lambda check: order.index(check.name))
    states = {check.state for check in checks}
    told = [_told(check) for check in checks]
    return Answer(
        "doctor",
        {"checks": told},
        list(_text(checks)),
        Rows.of(("name", "state", "found", "mend"), told),
        complete=State.NOT_READ not in states,
        status=_status(states),
    )


def _status(states: set[State]) -> Status:
    if State.TO_MEND in states:
        return Status.FOUND
    return Status.FAILED if State.NOT_READ in states else Status.DONE


def _told(check: Check) -> Mapping[str, Any]:
    return {
        "name": check.name.value,
        "state": check.state.value,
        "code": check.code,
        "found": found(check),
        "mend": mend(check),
    }


def _text(checks: Sequence[Check]) -> Iterator[Line]:
    """A line each; those of which nothing is known for one reason are one line together, behind the others."""
    alike: dict[str, list[Check]] = {}
    for check in checks:
        if check.state is State.NOT_READ:
            alike.setdefault(found(check), []).append(check)
    for check in checks:
        together = alike.get(found(check), ()) if check.state is State.NOT_READ else ()
        if len(together) < _TOGETHER:
            yield ("  ", _MARKS[check.state], f" {check.name.value:{_WIDTH - 1}} {found(check)}")
            if said := mend(check):
                yield f"      {'mend' if check.state is State.TO_MEND else 'look'}: {said}"
    for reason, those in alike.items():
        if len(those) >= _TOGETHER:
            names = "; ".join(one.name.value for one in those)
            yield ("  ", _MARKS[State.NOT_READ], f" {counted(len(those), 'check'):{_WIDTH - 1}} {reason}: {names}")
    wrong = sum(check.state is State.TO_MEND for check in checks)
    unknown = sum(check.state in {State.NOT_READ, State.NOT_TOLD} for check in checks)
    more = f", {unknown} not known" if unknown else ""
    yield f"{counted(len(checks), 'check')}, {wrong} to mend{more}."


# -- what can be examined, whatever else cannot


async def _examine() -> Sequence[Check]:
    settings, wrong_settings = _settings()
    policy, wrong_policy = _policy()
    me, sign_in = await _sign_in()
    checks = [diagnosis.settings(wrong_settings), diagnosis.host(_host(), _overriding()), sign_in]
    try:
        if settings is not None and policy is not None and not wrong_settings:
            async with open_app() as app:
                kept = await read_kept(app)
                checks += examine_kept(kept, app, timedelta(hours=app.settings.sweep_hours))
                checks += await _live(app, kept, me)
        else:
            checks += [Check(name, State.NOT_READ, "settings-first") for name in NEEDS_SETTINGS]
            async with open_store() as desk:
                kept = await read_kept(desk)
                checks += examine_kept(kept, desk)
    except (Misconfigured, UsageError) as wrong:
        # Settings are told already. The store that they name may still not be there.
        return [*checks, *_without_store(wrong, checks), diagnosis.policy(_digest(policy), wrong_policy, None)]
    return [*checks, diagnosis.policy(_digest(policy), wrong_policy, kept.view)]


def _without_store(wrong: Misconfigured | UsageError, checks: Sequence[Check]) -> Iterator[Check]:
    done = {check.name for check in checks}
    yield from (
        Check(name, State.NOT_READ, "not-read", {"why": "there is no store to ask"})
        for name in (*NEEDS_STORE, *NEEDS_SETTINGS)
        if name not in {*done, Name.STORE}
    )
    yield Check(Name.STORE, State.TO_MEND, "store-missing", {"why": _in_a_line(wrong)})


def _in_a_line(wrong: Misconfigured | UsageError) -> str:
    return "; ".join(wrong.mistakes) if isinstance(wrong, Misconfigured) else wrong.message


def _digest(policy: Policy | None) -> str:
    return "" if policy is None else policy.digest


async def _live(app: App, kept: Kept, me: str) -> Sequence[Check]:
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half a second, and only for verbs

    from shared.adapters.graph.subscriptions import GraphSubscriptions  # noqa: PLC0415 - what only this verb needs
    from shared.adapters.queues.service_bus import ServiceBusQueues, bus_credential  # noqa: PLC0415

    async with DefaultAzureCredential() as credential:
        queues = ServiceBusQueues(app.settings.service_bus, bus_credential(app.settings.emulator, credential))
        graph = GraphSubscriptions(app.settings, credential)
        try:
            return await examine_live(app, kept, Looks(queues.reach, graph.mine), me)
        finally:
            await queues.close()
            await graph.close()


def _settings() -> tuple[Settings | None, Sequence[str]]:
    try:
        settings = Settings.read(os.environ)
    except Misconfigured as wrong:
        return None, wrong.mistakes
    return settings, wrong_sources(settings) if settings.part.has_front else ()


def _policy() -> tuple[Policy | None, Sequence[str]]:
    try:
        return read_policy(os.environ), ()
    except Misconfigured as wrong:
        return None, wrong.mistakes


async def _sign_in() -> tuple[str, Check]:
    """Who asks, by their object id, and what is said of it."""
    try:
        actor = await signed_in()
    except NotSignedIn:
        return "", Check(Name.SIGN_IN, State.TO_MEND, "not-signed-in")
    except (Transient, Permanent) as failure:
        return "", diagnosis.not_read(Name.SIGN_IN, NotRead(str(failure)))
    return actor.object_id, Check(Name.SIGN_IN, State.GOOD, "signed-in", {"name": actor.best})


def _overriding() -> Sequence[str]:
    """The settings that would replace a value of host.json on which the app stands."""
    ours = {path.replace(".", "__").lower() for path in diagnosis.HOST}
    return sorted(
        name
        for name in os.environ
        if name.lower().startswith(_OVERRIDES) and name.lower().removeprefix(_OVERRIDES).replace(":", "__") in ours
    )


def _host() -> Mapping[str, object] | None:
    """The values of host.json by path; None where there is none. One that cannot be read has no value."""
    try:
        document = json.loads((_APP_FOLDER / "host.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return {path: _at(document, path) for path in diagnosis.HOST}


def _at(document: object, path: str) -> object:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document
