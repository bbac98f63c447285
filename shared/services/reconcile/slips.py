"""Slips of the pen: before access goes because one letter changed, who knows the new text?

Lives here: the one question to the directory that tells a slip from a move. What a slip is,
`shared.domain.access.near_misses` says.
"""

import logging
from collections.abc import Set as AbstractSet

from shared.domain.access.near_misses import Near, ask_about, missed_by
from shared.domain.access.plan import Plan
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import Person, PersonRead
from shared.domain.policy.filter_tree import fold, quote
from shared.domain.policy.selectors import rule_attributes
from shared.errors import QueryRefused
from shared.services.app import App

_log = logging.getLogger(__name__)


async def ask_about_slips(
    app: App, plan: Plan, person: PersonRead, catalogue: Catalogue, asked_about: AbstractSet[ProfileKey]
) -> Plan:
    """A plan whose revokes are asked about first where one letter of the person's makes the difference.

    Not where a rule, a tag, a profile, an account or another person has the new text: then it is a move. What a person
    was `asked_about` stays asked about as long as it may be a slip: others may have the same one since. At most one
    listing for each text that is one letter away, of people who have it. Raises as `Directory.people` does, but for a
    question that is refused.
    """
    if not isinstance(person, Person) or all(revoke.ask_first is not None for revoke in plan.revokes):
        return plan
    checked = frozenset[str]().union(*(rule_attributes(rule) for rule in app.policy.rules))
    vocabulary, now = app.catalogues.vocabulary(app.policy, catalogue), app.clock.now()
    for slip in vocabulary.slips(person, checked):
        missed = missed_by((slip, *vocabulary.near(person)), person, app.policy, catalogue, plan.wanted, now)
        concerned = {revoke.profile for revoke in plan.revokes if revoke.ask_first is None} & missed.keys()
        if not concerned <= asked_about and await _somebody_else_has(app, slip, person):
            concerned &= asked_about
        plan = ask_about(plan, {profile: missed[profile] for profile in concerned})
    return plan


async def _somebody_else_has(app: App, slip: Near, person: Person) -> bool:
    """Whether another person has the text; False where the directory never says: then a person is asked."""
    odata_filter = f"{slip.attribute} eq {quote(slip.value)}"
    try:
        listed = [one async for one in app.directory.people(odata_filter)]
    except QueryRefused as refusal:
        _log.warning("who else has the %s of %s cannot be asked: %s", slip.attribute, person.object_id, refusal)
        return False
    others = [one for one in listed if isinstance(one, Person) and one.object_id != person.object_id]
    texts = [text for one in others if (text := one.attributes.get(slip.attribute)) is not None]
    return fold(slip.value) in map(fold, texts)
