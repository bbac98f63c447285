"""What is on every page: as of when all of it is, whether writes are paused, and how much needs a person.

Lives here: reading the overview, once for each request, from which every page takes what it shows.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

from shared.answers.overview import Need, Overview, needs_of, read_overview
from shared.desk.app import Desk
from shared.desk.asked import Page
from shared.domain.view import View
from shared.ncrontab import read_schedule

_STYLE: Final = Path(__file__).with_name("static") / "style.css"


@dataclass(frozen=True)  # without slots: the needs are found once
class Frame:
    """What a request has read."""

    seen: Overview

    @property
    def view(self) -> View:
        """What the latest full check saw."""
        return self.seen.sight.view

    @cached_property
    def needs(self) -> list[Need]:
        """What needs a person."""
        return list(needs_of(self.seen))

    @property
    def is_known(self) -> bool:
        """Whether what the full check saw still says how things are."""
        return not self.view.is_stale(self.seen.sight.now)

    def context(self, desk: Desk, sections: Collection[str]) -> dict[str, Any]:
        """What the frame of a page is made of."""
        sight = self.seen.sight
        return {
            "frame": self,
            "seen": self.seen,
            "sight": sight,
            "view": self.view,
            "now": sight.now,
            "today": sight.today,
            "zone": sight.zone,
            "policy": desk.policy,
            "style": style_version(),
            "sections": sections,
        }


async def read_frame(desk: Desk) -> Frame | None:
    """What every page needs; None before the first full check."""
    if await desk.state.view() is None:
        return None
    return Frame(await read_overview(desk))


async def first_start(desk: Desk, *, api: bool) -> Page:
    """Before the first full check there is nothing to show but when it is; programs are told to come again."""
    due = read_schedule(desk.settings.sweep_schedule).next_after(desk.clock.now())
    body = {"code": "first-start", "due": due}
    return Page("bare.html", "problem", body, 503 if api else 200, extra={"zone": desk.policy.time_zone})


@cache
def style_version() -> str:
    """A part of the CSS file's address: another file has another one."""
    return hashlib.sha256(_STYLE.read_bytes()).hexdigest()[:12]
