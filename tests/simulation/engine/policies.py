"""Policies as the simulation draws them: plain values, from which both the app's YAML and the oracle's answers come.

Lives here: drawing a policy, writing it down, and changing it as people do. What it means for a person is `oracle`'s.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from tests.simulation.small_world import MCA, PIA, TREASURY

type Names = Literal["all", "none"] | tuple[str, ...]
"""Profiles by display name."""

DISPLAY_NAMES: Final = ("Contoso Nederland", "Contoso Deutschland", "Contoso Holding", "Fabrikam")

DAILY_LIMITS: Final[Mapping[str, tuple[int, int, int]]] = {
    "mover_revokes": (2, 10, 20),
    "leaver_revokes": (5, 50, 50),
    "grants": (10, 50, 100),
    "profile_updates": (5, 20, 20),
}
"""What the design gives where a policy says nothing: floor, count, percent."""


@dataclass(frozen=True, slots=True)
class SimRule:
    """One rule: whoever fulfils every condition that is set gets `target`.

    `target` is "own-company" (the profile whose tag is the person's company), "all", or a display name.
    """

    name: str
    target: str
    department: str | None = None
    job: str | None = None
    group: str | None = None
    guests: bool = False

    def as_yaml(self) -> dict[str, Any]:
        """The rule as the policy file has it."""
        tests = [
            f"{attribute} eq '{value}'"
            for attribute, value in (("department", self.department), ("jobTitle", self.job))
            if value is not None
        ]
        profiles: Any = [{"name": self.target}]
        if self.target == "own-company":
            profiles = [{"tag": {"company": "{companyName}"}}]
        elif self.target == "all":
            profiles = "all"
        rule: dict[str, Any] = {"name": self.name, "profiles": profiles}
        if tests:
            rule["who"] = " and ".join(tests)
        if self.group is not None:
            rule["member_of"] = [self.group]
        if self.guests:
            rule["guests"] = True
        return rule


@dataclass(frozen=True, slots=True)
class SimPolicy:
    """One policy."""

    rules: tuple[SimRule, ...]
    enforce: Names = "all"
    opt_in: Names = "all"
    accounts: Literal["all", "customer"] = "all"
    protected: tuple[str, ...] = (PIA,)
    lead_days: int = 0
    grace_hours: int = 0
    daily_limits: Mapping[str, tuple[int, int, int]] = field(default_factory=lambda: dict(DAILY_LIMITS))

    def as_text(self) -> str:
        """The policy file. JSON is YAML."""
        return json.dumps(
            {
                "version": 1,
                "accounts": "all" if self.accounts == "all" else [MCA],
                "enforce": _selectors(self.enforce),
                "rules": [rule.as_yaml() for rule in self.rules],
                "email_invoicing": {"opt_in": _selectors(self.opt_in), "min_recipients": 1},
                "employment": {
                    "lead_days": self.lead_days,
                    "mover_grace_hours": self.grace_hours,
                    "time_zone": "Europe/Amsterdam",
                },
                "daily_limits": {
                    kind: {"floor": floor, "count": count, "percent": percent}
                    for kind, (floor, count, percent) in self.daily_limits.items()
                },
                "protected": list(self.protected),
            },
            indent=1,
        )

    def names(self, profile_name: str, among: Names) -> bool:
        """Whether a profile of that display name is among those named."""
        return among == "all" or (among != "none" and profile_name in among)


OWN_COMPANY: Final = SimRule("own-company", "own-company", department="Finance")
BY_GROUP: Final = SimRule("treasury", "Contoso Holding", group=TREASURY)
AUDITORS: Final = SimRule("auditors", "all", job="Auditor", guests=True)
CONTROLLERS: Final = SimRule("controllers", "Contoso Nederland", department="Finance", job="Controller")


def draw_policy(rng: random.Random) -> SimPolicy:
    """A policy to begin with."""
    rules = [OWN_COMPANY, BY_GROUP]
    rules += [rule for rule in (AUDITORS, CONTROLLERS) if rng.random() < 0.5]
    daily_limits = dict(DAILY_LIMITS)
    strict = 0.4 if rng.random() < 0.3 else 0.1
    for kind in sorted(daily_limits):
        if rng.random() < (2 * strict if kind == "grants" else strict):  # so that half a dozen people meet it
            daily_limits[kind] = rng.choice(((0, 1, 10), (1, 10, 20), (2, 2, 100)))
    return SimPolicy(
        tuple(rules),
        enforce=rng.choice((*("all",) * 7, *(("Contoso Nederland", "Contoso Holding", "Fabrikam"),) * 2, "none")),
        opt_in=rng.choice(("all", "all", "none", ("Contoso Deutschland", "Fabrikam"))),
        accounts=rng.choice(("all", "all", "all", "customer")),
        lead_days=rng.choice((0, 0, 1, 3)),
        grace_hours=rng.choice((0, 0, 0, 1)),
        daily_limits=daily_limits,
    )


def change_policy(policy: SimPolicy, rng: random.Random) -> tuple[str, SimPolicy]:
    """The policy after somebody edited it, and what they did in a word."""
    match rng.randrange(5):
        case 0 if len(policy.rules) > 1:
            gone = rng.choice(policy.rules)
            return "rule-removed", replace(policy, rules=tuple(rule for rule in policy.rules if rule is not gone))
        case 1:
            missing = [rule for rule in (OWN_COMPANY, BY_GROUP, AUDITORS, CONTROLLERS) if rule not in policy.rules]
            if missing:
                return "rule-added", replace(policy, rules=(*policy.rules, rng.choice(missing)))
            return "untouched", policy
        case 2:
            return "enforce-all", replace(policy, enforce="all")
        case 3:
            some = tuple(name for name in DISPLAY_NAMES if rng.random() < 0.7)
            return "enforce-some", replace(policy, enforce=some or "none")
        case _:
            grace = rng.choice((0, 1))
            return "grace", replace(policy, grace_hours=grace)


def _selectors(names: Names) -> Any:
    return names if isinstance(names, str) else [{"name": name} for name in names]
