"""A timer -> a look at queues, sources and subscriptions."""

import azure.functions as func

from shared import bootstrap
from shared.services.health import look

_EVERY_FIVE_MINUTES = "0 1-59/5 * * * *"
"""NCRONTAB, UTC: a minute past, when no sweep begins."""

blueprint = func.Blueprint()


@blueprint.function_name("health")
@blueprint.timer_trigger(
    arg_name="timer",
    schedule=_EVERY_FIVE_MINUTES,
    run_on_startup=False,
    use_monitor=False,
)
async def on_timer(timer: func.TimerRequest) -> None:
    """Takes a look. One that was missed is not made up for: the next comes in five minutes."""
    del timer
    await look(bootstrap.app(), bootstrap.shelves())
