"""The facts about somebody whom no view has, read from the directory and billing when somebody asks.

Lives here: the reads. What follows from them is `why`'s.
"""

from typing import Final

from shared.domain.access.decide import decide
from shared.domain.access.rules import managed_accounts
from shared.domain.access.why import Facts
from shared.domain.keys import ProfileKey
from shared.errors import Permanent
from shared.services.app import App
from shared.services.identities import app_identities
from shared.services.operate.sight import NO_VIEW
from shared.services.operate.why import Found
from shared.services.provenance import Prover, ReadOnce, recalled
from shared.services.side_by_side import in_order

_READS_AT_ONCE: Final = 8


async def live_facts(app: App, object_id: str, profile: ProfileKey | None = None) -> Found:
    """The facts as directory and billing say them now, for somebody whom no view has.

    Reads the person, and their assignment on each profile that the policy gives, that is remembered, or that is asked
    about. Raises `Permanent` before the first sweep, and as the reads do.
    """
    now = app.clock.now()
    person = await app.directory.person(object_id, app.policy.groups)
    before = await recalled(await app.state.person(object_id), app.ledger)
    catalogue = await app.state.catalogue()
    if catalogue is None:
        raise Permanent(NO_VIEW)
    managed = managed_accounts(app.policy, catalogue.manageable)
    draft = decide(person, app.policy, catalogue, (), now)
    asked = {*draft.wanted, *before.holdings, *([] if profile is None else [profile])}
    keys = sorted(key for key in asked if key.account.lower() in managed)
    rows = await in_order(lambda key: app.billing.assignment(key, object_id), keys, at_once=_READS_AT_ONCE)
    identities, _ = await app_identities(app)
    prover = Prover(identities, ReadOnce(app.ledger), app.settings.on_its_way)
    held = [await prover.held(row, before) for row in rows if row is not None]
    return Found(Facts.of(person, held, app.policy, catalogue, now), now, complete=True, read=now, live=True)
