"""A timer -> people outside are told what they should know. Without an address nothing of it is there."""

import azure.functions as func

from shared import bootstrap

_EVERY_FIVE_MINUTES = "0 2-59/5 * * * *"
"""NCRONTAB, UTC: as soon as anybody would look, and two minutes after a sweep began, which takes seconds."""

blueprint = func.Blueprint()

if bootstrap.check().settings.tells_somebody:
    from shared.services.notify import notify

    @blueprint.function_name("notify")
    @blueprint.timer_trigger(
        arg_name="timer",
        schedule=_EVERY_FIVE_MINUTES,
        run_on_startup=False,
        use_monitor=True,
    )
    async def on_timer(timer: func.TimerRequest) -> None:
        """Tells what is new, and what could not be told before."""
        del timer
        async with bootstrap.channels() as channels:
            await notify(bootstrap.app(), channels)
