"""What goes wrong with a verb, and with which status the command ends: the one place that knows the statuses.

Lives here: the statuses, and which of them an error has. How a fault is said is `answer`'s.
"""

import os
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from shared.errors import (
    AccessLost,
    Conflict,
    Denied,
    InvoiceAccessError,
    Misconfigured,
    NotSignedIn,
    StoreForbidden,
    Transient,
)


class Status(IntEnum):
    """What a command ends with, for whoever called it."""

    DONE = 0
    """Done, or answered."""
    FAILED = 1
    """It failed, or a part of it could not be read."""
    MISUSE = 2
    """Asked wrongly: an argument, a setting, or a name that nobody or several have."""
    FOUND = 3
    """A check found something."""
    NOT_ALLOWED = 4
    """Not signed in, or a role is missing."""
    REFUSED = 5
    """The world moved, or it is not for this person to decide."""
    INTERRUPTED = 130
    """Ctrl-C."""


INSTALL: Final = "pip install -r requirements.txt -e '.[cli]'"
"""What brings everything that the command line imports, from a checkout."""

SETTINGS_FIRST: Final = (
    "(source the app's settings first; sandbox: `set -a; . <state>/app.env; set +a`; docs/reference/settings.md)"
)
"""What to do where settings are missing."""

_SIGN_IN: Final = "`az login`, then give the command again."
_AGAIN: Final = "Nothing was changed; give the command again."
_HALF_DONE: Final = "It may be half done; to give the same command again is safe."


class Fault(Exception):  # noqa: N818 - not every fault is an error: a world that moved is none
    """What a verb cannot do. `code` is for programs, `nearest` is what was perhaps meant.

    `details` are lines for people, in the place of `nearest`.
    """

    status: Status = Status.FAILED

    def __init__(
        self,
        message: str,
        *,
        code: str = "failed",
        mend: str = "",
        nearest: Sequence[str] = (),
        details: Sequence[str] = (),
        status: Status | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.mend = mend
        self.nearest = tuple(nearest)
        self.details = tuple(details or nearest)
        self.status = self.status if status is None else status


class UsageError(Fault):
    """An argument that cannot be used; the text names it and says what to give instead."""

    status = Status.MISUSE

    def __init__(
        self,
        message: str,
        *,
        code: str = "misuse",
        mend: str = "",
        nearest: Sequence[str] = (),
        details: Sequence[str] = (),
    ) -> None:
        super().__init__(message, code=code, mend=mend, nearest=nearest, details=details)


class Moved(Fault):
    """The world is not what was decided about. `details` has a line for each difference."""

    status = Status.REFUSED

    def __init__(self, message: str, *, mend: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message, code="moved", mend=mend, details=details)


def fault_of(error: BaseException, *, acts: bool) -> Fault | None:
    """The fault that an error is; None where it is a mistake of ours. `acts`: the verb changes something."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, InvoiceAccessError):
        return _of_the_app(error, mend=_HALF_DONE if acts else _AGAIN)
    match error:
        case KeyboardInterrupt():
            return Fault("Interrupted.", code="interrupted", status=Status.INTERRUPTED)
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] not in {"cli", "shared"}:
            package = name.partition(".")[0]
            return Fault(f"{package} is not installed, which this command needs: {INSTALL}", code="not-installed")
        case OSError() if error.filename is not None:
            return UsageError(f"{error.filename}: {error.strerror}", code="file")
        case _:
            return None


def _of_the_app(error: InvoiceAccessError, *, mend: str) -> Fault:
    """The fault that one of the app's own errors is (`shared.errors`)."""
    match error:
        case Misconfigured():
            return _misconfigured(error)
        case NotSignedIn():
            # Which ways of signing in azure-identity tried helps nobody who has one.
            said = f"You are not signed in. {_SIGN_IN}"
            return Fault(said, code="not-signed-in", status=Status.NOT_ALLOWED)
        case AccessLost() | Denied() | StoreForbidden():
            return Fault(f"{error}", code="not-allowed", mend=mend, status=Status.NOT_ALLOWED)
        case Conflict():
            return Moved(f"{error}", mend=mend)
        case _:
            return Fault(f"{error}", code="try-again" if isinstance(error, Transient) else "refused", mend=mend)


def _misconfigured(mistake: Misconfigured) -> Fault:
    """Which settings are missing or wrong, in the words of every verb."""
    from shared.settings import Settings  # noqa: PLC0415 - pydantic's models, which a verb in good order may not need

    lines = [one.removeprefix("setting ") for one in mistake.mistakes]
    required = [str(field.alias) for field in Settings.model_fields.values() if field.is_required()]
    names = [one.partition(":")[0] for one in lines]
    missing = any(name in required and not os.environ.get(name, "").strip() for name in names)
    return UsageError(
        str(Misconfigured("this command cannot start", lines)), code="settings", mend=SETTINGS_FIRST if missing else ""
    )
