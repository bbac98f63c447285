"""What one thing was at which time: how a read can see the past of a write.

Lives here: one small container. It knows nothing of directories.
"""

from datetime import datetime


class Timeline[T]:
    """The versions of one thing, oldest first; the newest is always kept."""

    __slots__ = ("_versions",)

    def __init__(self, at: datetime, value: T) -> None:
        self._versions: list[tuple[datetime, T]] = [(at, value)]

    def as_of(self, moment: datetime) -> T | None:
        """The version in force at that moment; None before there was any."""
        for at, value in reversed(self._versions):
            if at <= moment:
                return value
        return None

    def write(self, at: datetime, value: T, *, forget_before: datetime) -> None:
        """Adds a version, and drops those that no read from `forget_before` on can see."""
        kept = [
            version
            for version, (following, _) in zip(self._versions, self._versions[1:], strict=False)
            if following > forget_before
        ]
        self._versions = [*kept, self._versions[-1], (at, value)]
