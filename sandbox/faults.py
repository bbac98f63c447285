"""Bad days on purpose: rules that make a stand-in fail, slow down or hang up, and a count of its calls.

What may live here: the wrapper around a stand-in's handler, and the door over HTTP through which rules are
laid, switches are turned and calls are read. What a stand-in does on good days is its own business; its
switches too, they are only turned from here.

The door:

* `POST /faults` lays a rule (201 and its id), `GET /faults` lists them with their hits,
  `DELETE /faults[/{id}]` lifts one or all;
* `PUT /switches/{stand-in}/{name}` with `{"value": ...}` turns a switch, `GET /switches` shows all;
* `GET /calls` counts requests per stand-in, method and path template, `DELETE /calls` starts over.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, Self, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from sandbox.misfits import lines, misfits
from sandbox.wire import Errand, Handler, Reply, Request, Response, as_json

type Target = Literal["arm", "graph", "identity", "receivers"]
"""The stand-ins that speak HTTP."""

_COLLECTIONS = frozenset(
    {
        "billingaccounts",
        "billingprofiles",
        "billingroleassignments",
        "billingroledefinitions",
        "associatedtenants",
        "operationresults",
        "users",
        "groups",
        "members",
        "serviceprincipals",
        "deleteditems",
        "subscriptions",
    }
)
"""Path segments that are followed by the name of one thing."""

_NO_NAME = ("$", "microsoft.graph.", "delta")
"""What may follow a collection and is not a name."""

_LONGEST_DELAY_SECONDS = 3600.0


class Effect(BaseModel):
    """What happens instead of, or around, the answer.

    With `status` or `hang_up` the answer is replaced; with `after` only once the stand-in has done its work.
    A delay alone leaves the answer as it is. `body` is sent as text when it is a string, else as JSON.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: int | None = Field(default=None, ge=100, le=599)
    headers: dict[str, str] = {}
    body: Any = None
    delay_seconds: float = Field(default=0.0, ge=0.0, le=_LONGEST_DELAY_SECONDS)
    hang_up: bool = False
    after: bool = False

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        replaces = self.status is not None or self.hang_up
        if not replaces and not self.delay_seconds:
            raise ValueError("an effect has a status, a delay_seconds or hang_up")
        if not replaces and (self.after or self.headers or self.body is not None):
            raise ValueError("after, headers and body need a status or hang_up")
        return self

    def replacement(self) -> Response:
        """The answer that takes the place of the real one."""
        if self.hang_up:
            return Response(self.status or 500, hang_up=True)
        assert self.status is not None, "only an effect with a status or hang_up replaces"
        if self.body is None:
            return Response(self.status, self.headers)
        if isinstance(self.body, str):
            return Response(self.status, self.headers, self.body.encode())
        return as_json(self.status, self.body, self.headers)


class Rule(BaseModel):
    """When an effect happens: at which stand-in, on which requests, how often.

    `path` is a regular expression looked for in the decoded path, without the query. The first rule that fits
    and is not used up is the one that counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target
    effect: Effect
    method: str | None = None
    path: str | None = None
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, gt=0.0, le=1.0)

    @field_validator("path")
    @classmethod
    def _compiles(cls, path: str | None) -> str | None:
        if path is not None:
            try:
                re.compile(path)
            except re.error as mistake:
                raise ValueError(f"not a regular expression: {mistake}") from None
        return path

    def fits(self, target: str, request: Request) -> bool:
        """Whether the rule is about this request."""
        return (
            self.target == target
            and (self.method is None or self.method.upper() == request.method.upper())
            and (self.path is None or re.search(self.path, request.path) is not None)
        )


@dataclass(slots=True)
class LaidRule:
    """A rule in force, and how often it has happened."""

    id: str
    rule: Rule
    hits: int = 0

    def used_up(self) -> bool:
        """Whether it has happened as often as it may."""
        return self.rule.times is not None and self.hits >= self.rule.times

    def as_json(self) -> dict[str, Any]:
        """The rule as the door shows it."""
        return {"id": self.id, "hits": self.hits, **self.rule.model_dump(exclude_none=True)}


@dataclass(slots=True)
class Faults:
    """The rules in force and the calls so far; `random` decides where a rule has a probability."""

    random: Random = field(default_factory=Random)
    rules: list[LaidRule] = field(default_factory=list)
    calls: dict[str, Counter[str]] = field(default_factory=dict)
    _count: int = 0

    def lay(self, rule: Rule) -> LaidRule:
        """Puts a rule into force, behind those that are."""
        self._count += 1
        laid = LaidRule(f"fault-{self._count}", rule)
        self.rules.append(laid)
        return laid

    def lift(self, fault_id: str | None = None) -> int:
        """Takes one rule out of force, or all of them; returns how many those were."""
        before = len(self.rules)
        self.rules = [laid for laid in self.rules if fault_id is not None and laid.id != fault_id]
        return before - len(self.rules)

    def wrap(self, target: str, handler: Handler) -> Handler:
        """`handler` with the rules for `target` around it; every request is counted."""
        calls = self.calls.setdefault(target, Counter())

        def handle(request: Request) -> Response:
            calls[f"{request.method} {path_template(request.path)}"] += 1
            laid = self._chosen(target, request)
            if laid is None:
                return handler(request)
            laid.hits += 1
            effect = laid.rule.effect
            replaces = effect.status is not None or effect.hang_up
            real = handler(request) if effect.after or not replaces else None
            answer = effect.replacement() if replaces else real
            assert answer is not None, "an effect replaces the answer or leaves the real one"
            if replaces and real is not None and real.errand is not None:
                answer = Response(answer.status, errand=_done_first(real.errand, answer))
            return dataclasses.replace(answer, delay_seconds=answer.delay_seconds + effect.delay_seconds)

        return handle

    def _chosen(self, target: str, request: Request) -> LaidRule | None:
        for laid in self.rules:
            if laid.used_up() or not laid.rule.fits(target, request):
                continue
            if laid.rule.probability < 1.0 and self.random.random() >= laid.rule.probability:
                continue
            return laid
        return None


def _done_first(errand: Errand, answer: Response) -> Errand:
    """The errand of work that is done, and then answered otherwise."""

    def then(replies: Sequence[Reply | None]) -> Response:
        following = errand.then(replies)
        if following.errand is None:
            return answer
        return Response(answer.status, errand=_done_first(following.errand, answer))

    return Errand(errand.calls, then)


def path_template(path: str) -> str:
    """`path` with the names of single things replaced by `{}`, so that calls of one kind count as one."""
    parts: list[str] = []
    after_collection = False
    for part in path.split("/"):
        named = after_collection and not part.casefold().startswith(_NO_NAME)
        parts.append("{}" if named else part)
        after_collection = not named and part.casefold() in _COLLECTIONS
    return "/".join(parts)


class UnknownSwitchError(Exception):
    """There is no such stand-in, or it has no such switch."""


class Switchboard:
    """The switches of the stand-ins, by stand-in and name.

    `owners` are the models that hold a dataclass of switches as `switches`. A frozen one is replaced whole,
    the other kind is changed in place.
    """

    def __init__(self, owners: Mapping[str, Any]) -> None:
        self._owners = dict(owners)

    def values(self) -> dict[str, dict[str, Any]]:
        """Every switch as it stands."""
        return {target: dataclasses.asdict(owner.switches) for target, owner in self._owners.items()}

    def turn(self, target: str, name: str, value: Any) -> Any:
        """Sets one switch and returns what it stands at now.

        Raises:
            UnknownSwitchError: no such switch; the text lists those there are.
            pydantic.ValidationError: the value is not one that it can have.
        """
        if target not in self._owners:
            raise UnknownSwitchError(f"no stand-in {target!r} has switches; there are: {', '.join(self._owners)}")
        owner = self._owners[target]
        known = get_type_hints(type(owner.switches), include_extras=True)
        if name not in known:
            raise UnknownSwitchError(f"{target} has no switch {name!r}; it has: {', '.join(known)}")
        checked = TypeAdapter(known[name]).validate_python(value)
        if type(owner.switches).__dataclass_params__.frozen:
            owner.switches = dataclasses.replace(owner.switches, **{name: checked})
        else:
            setattr(owner.switches, name, checked)
        return checked


class _Turn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    value: Any


def faults_handler(faults: Faults, switches: Switchboard) -> Handler:
    """The door over HTTP; see the module."""

    def handle(request: Request) -> Response:
        parts = [part for part in request.path.split("/") if part]
        door = _DOORS.get((request.method.upper(), *parts[:1]))
        if door is None or len(parts) > _LONGEST_PATH:
            doors = "GET /faults, /switches, /calls, /subscriptions, /notices"
            return _refusal(404, f"there is no {request.method} {request.path} here; see {doors}")
        try:
            return door(faults, switches, parts[1:], request.body)
        except ValidationError as mistakes:
            fields = [{"field": field, "problem": problem} for field, problem in misfits(mistakes, "body")]
            said = "; ".join(lines(mistakes, "body"))
            return as_json(400, {"error": {"message": said, "fields": fields}})
        except UnknownSwitchError as unknown:
            return _refusal(404, str(unknown))

    return handle


def _lay(faults: Faults, _switches: Switchboard, rest: list[str], body: bytes) -> Response:
    if rest:
        return _refusal(404, "rules are laid at /faults")
    return as_json(201, faults.lay(Rule.model_validate_json(body)).as_json())


def _list(faults: Faults, _switches: Switchboard, rest: list[str], _body: bytes) -> Response:
    found = [laid.as_json() for laid in faults.rules if not rest or laid.id == rest[0]]
    if not rest:
        return as_json(200, {"faults": found})
    return as_json(200, found[0]) if found else _refusal(404, f"there is no fault {rest[0]!r}")


def _lift(faults: Faults, _switches: Switchboard, rest: list[str], _body: bytes) -> Response:
    lifted = faults.lift(rest[0] if rest else None)
    return _refusal(404, f"there is no fault {rest[0]!r}") if rest and not lifted else Response(204)


def _show(_faults: Faults, switches: Switchboard, _rest: list[str], _body: bytes) -> Response:
    return as_json(200, switches.values())


def _turn(_faults: Faults, switches: Switchboard, rest: list[str], body: bytes) -> Response:
    if len(rest) != _LONGEST_PATH - 1:
        return _refusal(404, "a switch is turned at /switches/{stand-in}/{name}")
    target, name = rest
    wanted = _Turn.model_validate_json(body)
    try:
        return as_json(200, {"value": switches.turn(target, name, wanted.value)})
    except ValidationError as mistake:
        problem = "; ".join(what for _, what in misfits(mistake, name))
        said = f"{target}.{name}: {problem}"
        return as_json(400, {"error": {"message": said, "fields": [{"field": "value", "problem": problem}]}})


def _count(faults: Faults, _switches: Switchboard, _rest: list[str], _body: bytes) -> Response:
    return as_json(200, {target: dict(sorted(calls.items())) for target, calls in faults.calls.items()})


def _forget(faults: Faults, _switches: Switchboard, _rest: list[str], _body: bytes) -> Response:
    for calls in faults.calls.values():
        calls.clear()
    return Response(204)


type _Door = Callable[[Faults, Switchboard, list[str], bytes], Response]

_LONGEST_PATH = 3
_DOORS: Mapping[tuple[str, ...], _Door] = {
    ("POST", "faults"): _lay,
    ("GET", "faults"): _list,
    ("DELETE", "faults"): _lift,
    ("GET", "switches"): _show,
    ("PUT", "switches"): _turn,
    ("GET", "calls"): _count,
    ("DELETE", "calls"): _forget,
}


def _refusal(status: int, message: str) -> Response:
    return as_json(status, {"error": {"message": message}})
