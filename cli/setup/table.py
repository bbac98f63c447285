"""What `setup permissions` may give, and nothing beside it: a test holds this to the page on security.

Lives here: the permissions and roles, and what a plan of them is made of. No call is made here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.keys import ProfileKey

GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
"""The application id of Microsoft Graph, the same in every tenant."""

NEEDED: Final = ("User.Read.All", "GroupMember.Read.All", "User-LifeCycleInfo.Read.All")
"""Graph's application permissions that every deployment is given."""

OPTIONAL: Final = ("Group.Read.All", "Application.Read.All")
"""Those that are given where they are asked for: notifications about group members, and what apps are called."""

PERMISSIONS: Final = (*NEEDED, *OPTIONAL)

PROFILE_OWNER: Final = "40000000-aaaa-bbbb-cccc-100000000000"
"""Billing profile owner: the smallest role that may make somebody Invoice manager."""

ACCOUNT_OWNER: Final = "50000000-aaaa-bbbb-cccc-100000000000"
"""Billing account owner: the same on every profile of an account, and on those to come."""

WHO_GRAPH: Final = "a Privileged Role Administrator or Global Administrator of the tenant"
WHO_PROFILE: Final = "an owner of the billing profile or of its account"
WHO_ACCOUNT: Final = "an owner of the billing account"


class State(StrEnum):
    """What is to be done about one thing, or what became of it."""

    HAS = "has"
    """It is as it should be."""
    WOULD = "would"
    """It is not, and nothing has been done."""
    DONE = "done"
    NOT_ALLOWED = "not-allowed"
    """Whoever is signed in may not."""
    FAILED = "failed"
    LEFT = "left"
    """It cannot be undone without harm; `why` says which."""


@dataclass(frozen=True, slots=True)
class Permission:
    """An application permission of Graph. `role_id` is its id there, `assignment` the one that stands, "" for none."""

    value: str
    role_id: str
    assignment: str = ""

    @property
    def who_may(self) -> str:
        """Who may give and take it."""
        return WHO_GRAPH


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner's role at a billing scope. `others` counts those who have it beside; None where that is not known.

    `assignment` is the name of the one that stands, "" for none.
    """

    scope: ProfileKey | str
    name: str
    assignment: str = ""
    others: int | None = None

    @property
    def role(self) -> str:
        """The role's definition."""
        return PROFILE_OWNER if isinstance(self.scope, ProfileKey) else ACCOUNT_OWNER

    @property
    def title(self) -> str:
        """The role, as Azure calls it."""
        return "Billing profile owner" if isinstance(self.scope, ProfileKey) else "Billing account owner"

    @property
    def who_may(self) -> str:
        """Who may give and take it."""
        return WHO_PROFILE if isinstance(self.scope, ProfileKey) else WHO_ACCOUNT


type Thing = Permission | Owner


@dataclass(frozen=True, slots=True)
class Step:
    """One thing, and what is to be done about it or became of it."""

    thing: Thing
    state: State
    why: str = ""


def to_give(things: Sequence[Thing]) -> list[Step]:
    """What giving them takes."""
    return [_given(one) for one in things]


def to_take(things: Sequence[Thing]) -> list[Step]:
    """What taking them away takes. The last owner of a scope stays: Azure would refuse, and nobody could mend it."""
    return [_taken(one) for one in things if one.assignment]


def _given(thing: Thing) -> Step:
    if thing.assignment:
        return Step(thing, State.HAS)
    if isinstance(thing, Permission) and not thing.role_id:
        return Step(thing, State.FAILED, "Microsoft Graph of this tenant offers no such permission")
    return Step(thing, State.WOULD)


def _taken(thing: Thing) -> Step:
    if isinstance(thing, Owner) and thing.others == 0:
        return Step(thing, State.LEFT, "it is the only owner there: make somebody else an owner first")
    return Step(thing, State.WOULD)
