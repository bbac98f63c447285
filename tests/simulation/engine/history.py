"""What people do to the world in one simulation, and what is told of it.

Lives here: one method per kind of thing that happens; each changes the world by the services' own verbs and returns the
events that a human-resources system might send about it. When things happen, and what goes wrong besides, is `run`'s.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from shared.domain.keys import NameKind
from tests.simulation.engine.oracle import AMSTERDAM
from tests.simulation.engine.policies import SimPolicy
from tests.simulation.engine.telling import Tale, Teller
from tests.simulation.engine.world import Refused
from tests.simulation.small_world import COMPANIES, TREASURY

RUBBISH: Final = (
    b"not json",
    b'{"specversion":"1.0","id":"r1","source":"/hr","type":"x","subject":"id:not-a-guid"}',
    b'{"specversion":"1.0","id":"r2","source":"/hr","type":"x"}',
    b"\xff\xfe\x00",
)
_MISTYPED: Final = "Finanec"
_COMPANIES: Final = (*COMPANIES, "Nowhere")
_OWNER_OF_ACCOUNT: Final = "50000000-aaaa-bbbb-cccc-100000000000"
_NAMED: Final = {
    NameKind.UPN: "userPrincipalName",
    NameKind.MAIL: "mail",
    NameKind.EMPLOYEE_ID: "employeeId",
}


@dataclass(eq=False)
class People(Teller):
    """Everybody who comes, changes and goes, and whoever tells of it."""

    later: Callable[[float, Callable[[], list[Tale]]], None] = field(kw_only=True)
    """Lets something happen so many seconds from now."""
    _hired: int = 0

    def kinds(self) -> dict[str, tuple[int, Callable[[], list[Tale]]]]:
        """What may happen, how often it does, and how."""
        return {
            "hire": (3, self.hire),
            "pre-hire": (2, self.pre_hire),
            "move": (9, self.move),
            "move-twice": (3, self.move_twice),
            "waver": (2, self.waver),
            "department-mistyped": (2, self.mistype),
            "vanish": (3, self.vanish),
            "postpone": (2, self.postpone),
            "leave": (6, self.leave),
            "leave-date": (3, self.leave_date),
            "delete": (3, self.delete),
            "purge": (2, self.purge),
            "come-back": (3, self.come_back),
            "rehire": (2, self.rehire),
            "rename": (3, self.rename),
            "guest": (1, self.guest),
            "group-change": (5, self.group_change),
            "group-deleted": (2, self.group_deleted),
            "rubbish": (3, self.rubbish),
            "idle-event": (4, self.idle_event),
        }

    # -- people come and go

    def hire(self) -> list[Tale]:
        """Somebody begins today."""
        return self._about(self._new())

    def pre_hire(self) -> list[Tale]:
        """Somebody begins in some days, and their account is disabled until then, or not."""
        day = (self.world.now() + timedelta(days=self.rng.choice((0, 1, 1, 2, 4)))).date()
        moment = self._stored(day, "07:30:00")
        person = self._new(employeeHireDate=moment, accountEnabled=self.rng.random() < 0.6)
        return self._about(person, effective=day)

    def move(self) -> list[Tale]:
        """Somebody changes company, department or job."""
        person = self._somebody()
        change: dict[str, Any] = {}
        match self.rng.randrange(3):
            case 0:
                change["companyName"] = self.rng.choice(_COMPANIES)
            case 1:
                change["department"] = self.rng.choice(("Finance", "Sales", "IT"))
            case _:
                change["jobTitle"] = self.rng.choice(("Auditor", "Controller", "Clerk"))
        self._change(person, **change)
        effective = self.world.now().date() if self.rng.random() < 0.2 else None
        return self._about(person, effective=effective)

    def move_twice(self) -> list[Tale]:
        """Somebody changes company, and again when the first change is about to be settled."""
        person = self._somebody()
        first, second = self.rng.sample(sorted(COMPANIES), 2)
        self._change(person, companyName=first, department="Finance")

        def again() -> list[Tale]:
            self._change(person, companyName=second)
            return self._about(person)

        self.later(self.rng.uniform(200, 420), again)
        return self._about(person)

    def waver(self) -> list[Tale]:
        """Somebody leaves the department, comes back before that is settled, and leaves it again."""
        person = self._somebody()

        def to(department: str) -> list[Tale]:
            self._change(person, department=department)
            return [self._tale(f"id:{person}", None, f"person:{person}")]

        back = self.rng.uniform(60, 280)
        self.later(back, lambda: to("Finance"))
        self.later(back + self.rng.uniform(60, 280), lambda: to("Sales"))
        return to("Sales")

    def mistype(self) -> list[Tale]:
        """Somebody mistypes a department's name: nobody is in it until that is noticed. No event tells of it."""
        people = [str(one.id) for one in self._entries() if one.properties.get("department") == "Finance"]
        for person in people:
            self._change(person, department=_MISTYPED)

        def remedy() -> list[Tale]:
            for one in self._entries():
                if one.properties.get("department") == _MISTYPED:
                    self._change(str(one.id), department="Finance")
            return []

        self.later(self.rng.uniform(3600, 30_000), remedy)
        return []

    def told_again(self, person: str) -> list[Tale]:
        """Somebody is told of, and nothing changed."""
        return [self._tale(f"id:{person}", None, f"person:{person}")]

    def overtake(self, person: str, policy: SimPolicy) -> list[Tale]:
        """What somebody gains or loses rests on something else from now on: another rule as well, or a deletion."""
        if (user := self.world.graph.newest().live(person, "user")) is None:
            raise Refused("nothing about them can change")
        held = user.properties.get("jobTitle")
        jobs = [rule.job if rule.job != held else "Clerk" for rule in policy.rules if rule.job is not None]
        if user.properties.get("accountEnabled") is False:
            self.world.do_graph("DELETE", f"/users/{person}")
        elif jobs:
            self._change(person, jobTitle=self.rng.choice(jobs), department="Finance")
        return self.told_again(person)

    def vanish(self) -> list[Tale]:
        """Somebody is deleted for good at once: the directory knows them nowhere."""
        person = self._somebody()
        self.world.do_graph("DELETE", f"/users/{person}")
        self.world.do_graph("DELETE", f"/directory/deletedItems/{person}")
        return self._about(person)

    def postpone(self) -> list[Tale]:
        """Somebody who was here begins in some days, after all."""
        person = self._somebody()
        day = (self.world.now() + timedelta(days=self.rng.choice((1, 5)))).date()
        self._change(person, employeeHireDate=self._stored(day), accountEnabled=self.rng.random() < 0.7)
        return self._about(person, effective=day)

    def leave(self) -> list[Tale]:
        """Somebody's account is disabled."""
        person = self._somebody()
        self._change(person, accountEnabled=False)
        return self._about(person)

    def leave_date(self) -> list[Tale]:
        """Somebody's last day is known: past, today or to come."""
        person = self._somebody()
        day = (self.world.now() + timedelta(days=self.rng.choice((-3, -1, 0, 0, 1, 3)))).date()
        moment = self._stored(day, "15:00:00")
        self._change(person, employeeLeaveDateTime=moment)
        return self._about(person, effective=day if self.rng.random() < 0.5 else None)

    def delete(self) -> list[Tale]:
        """Somebody is deleted, softly."""
        person = self._somebody()
        self.world.do_graph("DELETE", f"/users/{person}")
        return self._about(person)

    def purge(self) -> list[Tale]:
        """Somebody who was deleted is gone for good."""
        person = self._one([entry.id for entry in self.world.graph.newest().entries("user", "deleted")])
        self.world.do_graph("DELETE", f"/directory/deletedItems/{person}")
        return self._about(person)

    def come_back(self) -> list[Tale]:
        """A leave is reversed: restored, enabled, or without an end."""
        deleted = [entry.id for entry in self.world.graph.newest().entries("user", "deleted")]
        if deleted and self.rng.random() < 0.6:
            person = self._one(deleted)
            self.world.do_graph("POST", f"/directory/deletedItems/{person}/restore")
            return self._about(person)
        gone = [entry.id for entry in self._entries() if not entry.properties.get("accountEnabled", True)]
        person = self._one(gone)
        self._change(person, accountEnabled=True, employeeLeaveDateTime=None)
        return self._about(person)

    def rehire(self) -> list[Tale]:
        """Somebody who left begins again, on a day after their last."""
        left = [entry.id for entry in self._entries() if entry.properties.get("employeeLeaveDateTime")]
        person = self._one(left)
        day = (self.world.now() + timedelta(days=self.rng.choice((0, 1)))).date()
        self._change(person, accountEnabled=True, employeeHireDate=self._stored(day))
        return self._about(person, effective=day)

    def rename(self) -> list[Tale]:
        """Somebody gets another name."""
        person = self._somebody()
        self._events += 1
        name = f"renamed{self._events}"
        change: dict[str, Any] = {"userPrincipalName": f"{name}@contoso.example", "mail": f"{name}@contoso.example"}
        if self.rng.random() < 0.3:
            change["employeeId"] = f"R{self._events}"
        self._change(person, **change)
        return self._about(person)

    def guest(self) -> list[Tale]:
        """Somebody becomes a guest, or is none any more."""
        person = self._somebody()
        entry = self.world.graph.newest().live(person)
        is_guest = entry is not None and entry.properties.get("userType") == "Guest"
        self._change(person, userType="Member" if is_guest else "Guest")
        return self._about(person)

    def group_change(self) -> list[Tale]:
        """Somebody joins or leaves the group that a rule names."""
        person = self._somebody()
        group = self.world.graph.newest().live(TREASURY, "group")
        if group is None:
            self.world.do_graph("POST", f"/directory/deletedItems/{TREASURY}/restore")
            self.world.groups_gone.pop(TREASURY, None)
            return []
        if person in group.members:
            self.world.do_graph("DELETE", f"/groups/{TREASURY}/members/{person}/$ref")
        else:
            address = f"https://graph.microsoft.com/v1.0/directoryObjects/{person}"
            self.world.do_graph("POST", f"/groups/{TREASURY}/members/$ref", {"@odata.id": address})
        return self._about(person)

    def group_deleted(self) -> list[Tale]:
        """The group that a rule names is deleted: its rule is not known."""
        group = self.world.graph.newest().live(TREASURY, "group")
        members = [] if group is None else [*group.members]
        self.world.do_graph("DELETE", f"/groups/{TREASURY}")
        self.world.groups_gone[TREASURY] = self.world.now()
        return [tale for member in members for tale in self._about(member)]

    # -- only talk

    def rubbish(self) -> list[Tale]:
        """Something that is no event."""
        return [Tale(self.rng.choice(RUBBISH), ())]

    def idle_event(self) -> list[Tale]:
        """An event about somebody to whom nothing happened, or whom nobody knows yet."""
        if self.rng.random() < 0.3:
            self._events += 1
            return [self._tale(f"upn:nobody{self._events}@contoso.example", None)]
        return self._about(self._somebody())

    # -- how it is done

    def _new(self, **more: Any) -> str:
        self._hired += 1
        name = f"newcomer{self._hired}"
        found = self.world.do_graph(
            "POST",
            "/users",
            {
                "accountEnabled": True,
                "displayName": name,
                "mailNickname": name,
                "userPrincipalName": f"{name}@contoso.example",
                "mail": f"{name}@contoso.example",
                "employeeId": f"N{self._hired}",
                "passwordProfile": {"password": "Correct-Horse-1"},
                "department": self.rng.choice(("Finance", "Finance", "Sales")),
                "companyName": self.rng.choice(_COMPANIES),
                **more,
            },
        )
        return str(found["id"])

    def _stored(self, day: date, hour: str | None = None) -> str:
        """A day as some system writes it: midnight of UTC or of the policy's zone, or with an hour if one is given."""
        dice = self.rng.random()
        if hour is not None and dice < 0.3:
            return f"{day}T{hour}Z"
        if dice < 0.65:
            return f"{day}T00:00:00Z"
        return f"{datetime.combine(day, time(), AMSTERDAM).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    def _change(self, person: str, **properties: Any) -> None:
        self.world.do_graph("PATCH", f"/users/{person}", properties)
