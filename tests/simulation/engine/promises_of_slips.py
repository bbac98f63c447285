"""What must be true of a revoke from somebody one of whose texts only looks like the right one.

Lives here: that promise alone. A slip is known to whoever made it; that a text is near another is nothing asked here.
"""

from shared.domain.guards.holds import action_id
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind
from tests.simulation.engine import oracle
from tests.simulation.engine.book import Run
from tests.simulation.engine.case import Case
from tests.simulation.engine.world import AppWrite


def slips_wait_for_a_person(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 5: a text that looks like another, or is a letter away, takes nothing away until a person says so."""
    if write.entry.operation != "delete-role-assignment" or run is None or write.profile is None:
        return None
    person = run.key.removeprefix("person:")
    user, slip = run.heard.user, judge.slips.get(person)
    if user is None or slip is None or user.get(slip.attribute) != slip.wrong:
        return None
    stands = judge.stands(run, holding=True)
    if stands is None or stands.kind != "employed":
        return None
    meant = {**user, slip.attribute: slip.right}
    versions = judge.world.facts_since(run.began - judge.catalogue_age)
    if not all(write.profile in oracle.wanted(meant, run.heard.groups, run.policy, facts) for facts in versions):
        return None
    if judge.released(run, action_id(PersonKey(person), ActionKind.MOVER_REVOKES, write.profile)):
        return None
    return f"{slip.attribute} is {slip.wrong!r} and was {slip.right!r}, and nobody said that this is a move"
