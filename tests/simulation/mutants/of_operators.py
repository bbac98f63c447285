"""Mutants of what people have done: named grants, decisions that take two people, and plans that are applied."""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

_TWO: Final = "shared/services/operate/two_people.py"
_PROPOSALS: Final = "shared/domain/guards/proposals.py"
_TWO_TESTS: Final = "tests/simulation/test_sim_two_people.py"
_AT_THE_DESK: Final = "tests/app/unit/cli/test_cli_two_people.py"
_APPLY: Final = "shared/services/sweep/apply_plan.py"
_APPLY_TESTS: Final = "tests/simulation/test_sim_apply_plan.py"
_GRANT_TESTS: Final = "tests/simulation/test_sim_named_grants.py"
_MOVED: Final = "    if differences or not now.complete or now.policy != reviewed.policy:\n"

MUTANTS: Final = (
    Mutant(
        name="one-person-is-two",
        promise="Whoever proposed something does not confirm it.",
        file=_TWO,
        old="    if found.by == made.by:\n",
        new="    if found.by != found.by:\n",
        stories=(f"{_AT_THE_DESK}::test_whoever_proposed_it_is_not_the_second_person",),
    ),
    Mutant(
        name="confirmed-whatever-it-became",
        promise="What moved since it was proposed is not confirmed.",
        file=_TWO,
        old="    if differences:\n",
        new="    if differences and not items:\n",
        stories=(f"{_AT_THE_DESK}::test_what_moved_since_is_told_and_proposed_no_more",),
    ),
    Mutant(
        name="proposed-for-ever",
        promise="A proposal that nobody confirmed within a week is none.",
        file=_PROPOSALS,
        old="        return tuple(one for one in self.all if now < one.ends)\n",
        new="        return tuple(one for one in self.all if one.at <= now)\n",
        stories=(f"{_TWO_TESTS}::test_a_proposal_is_over_after_a_week",),
    ),
    Mutant(
        name="judge-in-ones-own-cause",
        promise="Nobody decides about their own access.",
        file=_PROPOSALS,
        old="hold.key.object_id == by.lower()",
        new="hold.key.object_id == by.upper()",
        stories=(f"{_AT_THE_DESK}::test_nobody_decides_about_their_own_access",),
    ),
    Mutant(
        name="applied-though-the-world-moved",
        promise="A plan is refused as a whole where anything is planned otherwise by now.",
        file=_APPLY,
        old=_MOVED,
        new="    if not now.complete or now.policy != reviewed.policy:\n",
        stories=(f"{_APPLY_TESTS}::test_where_the_world_moved_nothing_is_asked_for",),
    ),
    Mutant(
        name="applied-half-read",
        promise="Where not everything can be read, nothing of a plan is asked for.",
        file=_APPLY,
        old=_MOVED,
        new="    if now.complete and (differences or now.policy != reviewed.policy):\n",
        stories=(f"{_APPLY_TESTS}::test_where_not_everything_can_be_read_nothing_is_asked_for",),
    ),
    Mutant(
        name="a-check-does-more-than-was-reviewed",
        promise="A check that applies a plan does what was reviewed, and nothing else.",
        file="shared/services/reconcile/guard.py",
        old="            if action.id not in only and reviewed(action.id, action.basis) not in only\n",
        new="            if not action.id\n",
        stories=(f"{_APPLY_TESTS}::test_a_check_that_may_do_nothing_does_nothing",),
    ),
    Mutant(
        name="granted-for-ever",
        promise="A named grant gives until its last day is over, and no longer.",
        file="shared/domain/policy/model.py",
        old="self.grant.end is not None and self.grant.end <= now\n",
        new="self.grant.end is None and self.grant.until is not None\n",
        stories=(f"{_GRANT_TESTS}::test_a_named_grant_gives_until_its_last_day_is_over",),
    ),
    Mutant(
        name="granted-to-whoever-has-the-address",
        promise="An address gives to the one person whom a full check found to have it, and to nobody before.",
        file="shared/domain/access/rules.py",
        old="(rule.grant.object_id or catalogue.addresses.get(rule.grant.address)) == person.object_id.lower()\n",
        new='rule.grant.object_id in {"", person.object_id.lower()}\n',
        stories=(
            f"{_GRANT_TESTS}::test_an_address_gives_nothing_before_a_sweep_has_seen_whose_it_is",
            f"{_GRANT_TESTS}::test_of_two_people_with_the_address_nobody_gains_or_loses",
        ),
    ),
)
