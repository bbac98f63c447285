"""Tasks that can vanish: what becomes of a process that is killed in the middle of anything.

Lives here: a process's life, and the task factory that binds every task begun within a life to it. When a life ends,
its tasks are never resumed: no `finally`, no `except`, no context manager of theirs runs. Nothing here knows the app.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, Final

_CLOSINGS: Final = 20
"""How often a buried coroutine is closed; one that awaits in a `finally` needs once more for each await."""

LIFE: contextvars.ContextVar["Life | None"] = contextvars.ContextVar("LIFE", default=None)
"""The life that whoever runs now belongs to; tasks inherit it from whoever begins them."""


class Life:
    """One process's life, counted in the steps of its tasks.

    A step is one resumption of one task. `fatal_step` is the one that never happens: there the life ends by itself.
    `on_end` is called once, when it ends for whatever reason.
    """

    def __init__(self, name: str, on_end: Callable[["Life"], None]) -> None:
        self.name = name
        self.steps = 0
        self.fatal_step: int | None = None
        self.over = False
        self._on_end = on_end
        # In the order in which they began: a set would bury them in another order each time.
        self._bodies: dict[_Mortal, asyncio.Task[Any] | None] = {}

    def begin(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Begins a task of this life."""
        context = contextvars.copy_context()
        context.run(LIFE.set, self)
        return asyncio.get_running_loop().create_task(coroutine, name=name, context=context)

    def end(self) -> None:
        """Ends it here and now; whoever calls this from within is not resumed at its next await."""
        if not self.over:
            self.over = True
            self._on_end(self)

    def may_step(self) -> bool:
        """Whether a task may be resumed; counts it, and ends the life where that was the step not to happen."""
        if self.over:
            return False
        self.steps += 1
        if self.fatal_step is not None and self.steps >= self.fatal_step:
            self.end()
            return False
        return True

    def bury(self) -> None:
        """Lets go of what never ended, once nobody checks any more: now its `finally` may run into the void."""
        self.end()
        for body in [*self._bodies]:
            body.close()
        self._bodies.clear()

    def keep(self, body: "_Mortal") -> None:
        """Holds on to a coroutine, so that no garbage collector closes it."""
        self._bodies[body] = None

    def forget(self, body: "_Mortal") -> None:
        """Lets go of a coroutine that ended."""
        self._bodies.pop(body, None)


class _Mortal(Coroutine[Any, Any, Any]):
    """A coroutine that is resumed only while its life lasts."""

    __slots__ = ("_inner", "_life")

    def __init__(self, inner: Coroutine[Any, Any, Any], life: Life) -> None:
        self._inner = inner
        self._life = life
        life.keep(self)

    def send(self, value: Any) -> Any:
        if not self._life.may_step():
            return _never()
        try:
            return self._inner.send(value)
        except BaseException:
            self._life.forget(self)
            raise

    def throw(self, *error: Any) -> Any:
        if not self._life.may_step():
            return _never()
        try:
            return self._inner.throw(*error)
        except BaseException:
            self._life.forget(self)
            raise

    def close(self) -> None:
        for _ in range(_CLOSINGS):
            try:
                self._inner.close()
            except BaseException:  # noqa: BLE001, S112 - whatever the dead still have to say, nobody listens
                continue
            return

    def __await__(self) -> Any:
        return self._inner.__await__()


def _never() -> asyncio.Future[Any]:
    """What a task that is not resumed waits for."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future._asyncio_future_blocking = True  # noqa: SLF001 - a future's own __await__ says so to the task that drives it
    return future


def mortal_tasks(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    """A task factory: whatever begins within a life belongs to it."""
    context: contextvars.Context | None = options.get("context")
    life = LIFE.get() if context is None else context.get(LIFE)
    if life is None:
        return asyncio.Task(coroutine, loop=loop, **options)
    task: asyncio.Task[Any] = asyncio.Task(_Mortal(coroutine, life), loop=loop, **options)
    # CPython's own; that the task never ends is the point.
    task._log_destroy_pending = False  # type: ignore[attr-defined] # noqa: SLF001
    return task
