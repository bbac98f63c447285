"""The keys of the page's forms: read from the store, and made there once a day."""

from secrets import token_urlsafe

from shared.desk.app import Desk
from shared.desk.forms import Forms
from shared.domain.form_keys import FormKey
from shared.services.shared_row import change_row

_BYTES = 32


async def forms_of(desk: Desk) -> Forms:
    """The forms of this moment. Raises `Transient`."""
    now = desk.clock.now()
    row = await desk.state.form_keys()
    if row.value.need_another(now):
        made = FormKey(token_urlsafe(_BYTES), now)
        put = desk.state.put_form_keys
        _, row = await change_row(
            desk, "the keys of forms", desk.state.form_keys, lambda keys: keys.having(made), put, seen=row
        )
    return Forms([key.text for key in row.value.keys])
