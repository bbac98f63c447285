"""A timer -> a sweep."""

import azure.functions as func

from shared import bootstrap
from shared.services.sweep.sweep import sweep

blueprint = func.Blueprint()


@blueprint.function_name("sweep")
@blueprint.timer_trigger(
    arg_name="timer",
    schedule=bootstrap.check().settings.sweep_schedule,
    run_on_startup=False,
    use_monitor=True,
)
async def on_timer(timer: func.TimerRequest) -> None:
    """Runs a sweep; a missed one runs late."""
    del timer
    await sweep(bootstrap.app())
