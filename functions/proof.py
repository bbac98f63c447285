"""A timer -> the daily proof of the ledger."""

import azure.functions as func

from shared import bootstrap
from shared.services.proof import prove_when_due

_HOURLY = "0 15 * * * *"
"""NCRONTAB, UTC: a quarter past, when a sweep is over. The first run of a day audits, the others find it done."""

blueprint = func.Blueprint()


@blueprint.function_name("proof")
@blueprint.timer_trigger(
    arg_name="timer",
    schedule=_HOURLY,
    run_on_startup=False,
    use_monitor=True,
)
async def on_timer(timer: func.TimerRequest) -> None:
    """Audits the ledger where today has no result yet, for at most five minutes; the next run goes on."""
    del timer
    await prove_when_due(bootstrap.app())
