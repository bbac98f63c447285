"""Work that can wait, told apart from work that somebody waits for.

Lives here: the mark, and nothing that acts on it. Whoever begins such work sets it; whoever shares out something scarce
(see `shared.adapters.http.pace`) asks for it. It goes along with the task, and with every task begun under it.
"""

from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

_CAN_WAIT: Final = ContextVar("can_wait", default=False)


def in_background[**P, Result](work: Callable[P, Awaitable[Result]]) -> Callable[P, Coroutine[Any, Any, Result]]:
    """Marks everything that a coroutine function does: its calls leave events their share of a service's rate."""

    @wraps(work)
    async def marked(*args: P.args, **kwargs: P.kwargs) -> Result:
        before = _CAN_WAIT.set(True)
        try:
            return await work(*args, **kwargs)
        finally:
            _CAN_WAIT.reset(before)

    return marked


def can_wait() -> bool:
    """Whether what runs here was marked so."""
    return _CAN_WAIT.get()
