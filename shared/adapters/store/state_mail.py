"""State of what is told about invoice mail and to the outside, over rows.

How these values are spread over rows lives here; their spelling is `codec`, and `state` has the rest. Nothing is
decided by them: a row that cannot be read is told in the log, and is as good as none. The next check stores it anew;
what was told is told once more.

    partition  row key                                what it holds
    mail       mail:<account>/<profile>               a ProfileMail: the verdicts of the mail check
    notices    channel:<name>                         a Telling: what a channel was told, and its outbox
"""

import logging
from collections.abc import Sequence
from typing import Final

from shared.adapters.store.codec import Codec
from shared.adapters.store.rows import Damaged, Row, after, fitting
from shared.adapters.store.state_guards import GuardsState
from shared.domain.keys import ProfileKey
from shared.domain.mail_check import ProfileMail
from shared.domain.notices.notice import Telling
from shared.ports import Stored

_MAIL: Final = "mail"
_NOTICES: Final = "notices"

_log = logging.getLogger(__name__)

_PROFILE_MAIL: Final = Codec[ProfileMail](ProfileMail, "list of mail verdicts", lambda row: _mail_key(row.profile))

_TELLING: Final = Codec[Telling](Telling, "list of what was told")


class MailState(GuardsState):
    """The part of `State` that says what people are told, beside the guards'."""

    async def profile_mail(self, key: ProfileKey) -> Stored[ProfileMail]:
        """A profile's verdicts, none when there is no row. One read."""
        empty = ProfileMail(key)
        return await self._get(_MAIL, _mail_key(key), lambda row: _of(row, _PROFILE_MAIL) or empty, empty)

    async def put_profile_mail(self, row: Stored[ProfileMail]) -> Stored[ProfileMail]:
        """Stores a row. Raises `Conflict`."""
        key, body = row.value.profile, _PROFILE_MAIL.body(row.value)
        return await self._put(_MAIL, _mail_key(key), row, body, f"the mail verdicts of {key}")

    async def mail_verdicts(self) -> Sequence[ProfileMail]:
        """The verdicts of every profile that ever was due."""
        rows = self._rows.range(_MAIL, "mail:", after("mail:"))
        return [verdicts async for row in rows if (verdicts := _of(row, _PROFILE_MAIL)) is not None]

    async def telling(self, channel: str) -> Stored[Telling]:
        """What a channel was told and what waits for it, nothing when there is no row. One read."""
        empty = Telling()
        return await self._get(_NOTICES, _channel_key(channel), lambda row: _of(row, _TELLING) or empty, empty)

    async def put_telling(self, channel: str, row: Stored[Telling]) -> Stored[Telling]:
        """Stores the row. Raises `Conflict`."""
        body = _TELLING.body(row.value)
        return await self._put(_NOTICES, _channel_key(channel), row, body, f"what waits for the channel {channel}")


def _of[T](row: Row, codec: Codec[T]) -> T | None:
    try:
        return codec.value(row)
    except Damaged as damage:
        _log.error("%s; it is stored anew", damage)
        return None


def _mail_key(key: ProfileKey) -> str:
    return fitting("mail:", key.folded)


def _channel_key(channel: str) -> str:
    return fitting("channel:", channel)
