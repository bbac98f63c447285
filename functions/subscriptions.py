"""A timer -> subscriptions to changes in the directory that are alive."""

import azure.functions as func

from shared import bootstrap
from shared.services.subscriptions import keep_subscriptions

_HOURLY = "0 30 * * * *"
"""NCRONTAB, UTC: half past, when no sweep begins. Graph keeps notifications for four hours, so three runs may fail."""

blueprint = func.Blueprint()


@blueprint.function_name("subscriptions")
@blueprint.timer_trigger(
    arg_name="timer",
    schedule=_HOURLY,
    run_on_startup=False,
    use_monitor=True,
)
async def subscriptions(timer: func.TimerRequest) -> None:
    """Keeps the subscriptions. What fails is in the log, and is tried again an hour later."""
    del timer
    async with bootstrap.keeper() as keeper:
        await keep_subscriptions(keeper)
