"""What `setup permissions` says: what there is, what is to be done or became of it, and what is left for somebody else.

Lives here: the plan as it is told, and the words. Nothing is read or written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cli.answer import Answer, Line, Part, Shade
from cli.faults import Status
from cli.setup.directory import App
from cli.setup.hand_over import Places, commands
from cli.setup.table import WHO_GRAPH, Owner, Permission, State, Step, Thing
from shared.answers.documents import Rows
from shared.domain.keys import ProfileKey

_TOKENS: Final = (
    "A managed identity's tokens are kept for up to 24 hours: what changes now may not count before then, and no "
    "restart helps. So give permissions before the app starts for the first time."
)

_COLUMNS: Final = ("part", "name", "scope", "state", "why", "who_may")

_WIDTH: Final = 30

_MARKS: Final = {
    State.HAS: (Part("✓", Shade.GIVEN), "has it"),
    State.WOULD: (Part("+", Shade.WAITS), "to be given"),
    State.DONE: (Part("✓", Shade.GIVEN), "given"),
    State.NOT_ALLOWED: (Part("✕", Shade.REMOVED), "you may not"),
    State.FAILED: (Part("✕", Shade.REMOVED), "failed"),
    State.LEFT: (Part("◆", Shade.WAITS), "left as it is"),
}
_UNDONE: Final = {State.WOULD: "to be taken away", State.DONE: "taken away"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is and what is to be done. `surplus` are permissions of the app that are none of its own business."""

    app: App
    places: Places
    steps: Sequence[Step]
    surplus: Sequence[str]
    undo: bool

    @property
    def open(self) -> Sequence[Step]:
        """What is still to be done."""
        return [step for step in self.steps if step.state is State.WOULD]


def answer(plan: Plan, *, dry_run: bool = False) -> Answer:
    """What became of it, or with `dry_run` what would."""
    told = [_told(step) for step in plan.steps]
    left = [*commands(plan.app, plan.places, plan.steps, undo=plan.undo)]
    return Answer(
        "setup-permissions",
        {
            "identity": {"id": plan.app.object_id, "name": plan.app.name, "client_id": plan.app.app_id},
            "undo": plan.undo,
            "dry_run": dry_run,
            "steps": told,
            "not_ours": list(plan.surplus),
            "hand_over": [{"who_may": who, "command": command} for who, command in left],
        },
        [*shown(plan), *_what_next(plan, left, dry_run=dry_run)],
        Rows.of(_COLUMNS, told),
        status=Status.DONE if dry_run else _status(plan.steps),
    )


def _status(steps: Sequence[Step]) -> Status:
    states = {step.state for step in steps}
    if State.NOT_ALLOWED in states:
        return Status.NOT_ALLOWED
    return Status.FAILED if states & {State.FAILED, State.LEFT} else Status.DONE


def _told(step: Step) -> dict[str, Any]:
    match step.thing:
        case Permission(value=value):
            part, name, scope = "graph", value, None
        case Owner() as owner:
            part, name, scope = "billing", owner.title, f"{owner.scope}"
    told = {"part": part, "name": name, "scope": scope, "state": step.state.value, "why": step.why or None}
    return told | {"who_may": step.thing.who_may}


def called(thing: Thing) -> str:
    """What a thing is called."""
    match thing:
        case Permission(value=value):
            return value
        case Owner(scope=ProfileKey() as key, name=name):
            return f"{thing.title} of {name} ({key.profile})"
        case Owner(scope=scope, name=name):
            return f"{thing.title} of {name} ({scope})"


def shown(plan: Plan) -> Iterator[Line]:
    """What there is, and what is to be done or was."""
    app = plan.app
    yield f"{app.name or 'An identity without a name'}: object id {app.object_id}, client id {app.app_id}"
    if not plan.steps:
        yield "  It has none of what this app needs: there is nothing to take away."
    for step in plan.steps:
        mark, said = _MARKS[step.state]
        said = _UNDONE.get(step.state, said) if plan.undo else said
        yield ("  ", mark, f" {called(step.thing):{_WIDTH}} {said}{f': {step.why}' if step.why else ''}")
    if plan.surplus:
        yield f"It also has, and this app needs none of it: {', '.join(plan.surplus)}. That stays as it is."


def _what_next(plan: Plan, left: Sequence[tuple[str, str]], *, dry_run: bool) -> Iterator[Line]:
    touches_graph = any(
        isinstance(step.thing, Permission) and step.state in {State.DONE, State.WOULD} for step in plan.steps
    )
    if touches_graph:
        yield _TOKENS
    if plan.undo and any(isinstance(step.thing, Owner) and step.state is State.DONE for step in plan.steps):
        yield "An app that still runs finds its role gone, and pauses: `invoice-access pauses`."
    if not left:
        return
    if dry_run:
        yield "Nothing was changed. Who may do it, and the same for them as commands of Azure's (for bash):"
    else:
        yield "What is left takes somebody who may. For them, as commands of Azure's (for bash):"
    for who in dict.fromkeys(who for who, _ in left):
        yield f"  {who}:"
        yield from (f"    {command}" for whose, command in left if whose == who)
    if any(who == WHO_GRAPH for who, _ in left) and not dry_run:
        yield "  The role is needed once: activated for an hour (Privileged Identity Management) it is enough."
