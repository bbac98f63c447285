"""A timer -> proof, before each invoice day, that the invoice will reach people."""

import azure.functions as func

from shared import bootstrap
from shared.services.mail_check import check_mail

_HOURLY = "0 45 * * * *"
"""NCRONTAB, UTC: a quarter to, when neither a sweep nor the keeping of subscriptions begins. What is proved is not
asked again for a day; what is wrong is looked at each hour, so that its mend is seen."""

blueprint = func.Blueprint()


@blueprint.function_name("mail_check")
@blueprint.timer_trigger(
    arg_name="timer",
    schedule=_HOURLY,
    run_on_startup=False,
    use_monitor=True,
)
async def mail_check(timer: func.TimerRequest) -> None:
    """Checks the profiles whose invoice day is near. What fails is tried again an hour later."""
    del timer
    await check_mail(bootstrap.app())
