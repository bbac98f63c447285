"""Mutants of what is remembered, shared or done in slices so that nobody waits for it."""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

_INDEX: Final = "shared/domain/policy/profile_index.py"
_INDEX_TESTS: Final = "tests/app/unit/domain/policy/test_domain_selectors.py"
_CATALOGUE: Final = "shared/services/catalogue.py"
_CATALOGUE_TESTS: Final = "tests/app/unit/services/test_catalogue_shelf.py"
_BESIDE: Final = "shared/services/side_by_side.py"
_BESIDE_TESTS: Final = "tests/app/unit/services/test_side_by_side.py"
_YIELDS: Final = "tests/simulation/test_sim_sweep_yields.py"

_TURNS: Final = "shared/services/reservations.py"
_TURNS_TESTS: Final = "tests/simulation/test_sim_reservations.py"

MUTANTS: Final = (
    Mutant(
        name="remembered-row-is-believed",
        promise="Nothing is left of a daily limit only where the store says so, and not a row that is remembered.",
        file=_TURNS,
        old="    if stored is row is remembered:",
        new="    if stored is row is remembered is None:",
        stories=(f"{_TURNS_TESTS}::test_what_another_instance_gave_back_is_there_for_whoever_asks_next",),
    ),
    Mutant(
        name="a-turn-that-never-closes",
        promise="Whoever comes while a turn is being stored is in the next one, and not lost.",
        file=_TURNS,
        old="    turns.latest[kind].open = False\n",
        new="",
        stories=(f"{_TURNS_TESTS}::test_two_instances_never_reserve_more_than_there_is",),
    ),
    Mutant(
        name="a-turn-begins-anew-for-each",
        promise="Changes of one turn are made one on top of the other: each sees what those before it reserved.",
        file=_TURNS,
        old="            row = after\n        return row\n",
        new="        return after\n",
        stories=(f"{_TURNS_TESTS}::test_a_check_for_each_session_at_once_takes_two_writes",),
    ),
    Mutant(
        name="wildcards-find-nothing",
        promise="A selector whose only text has a wildcard picks every profile that fits.",
        file=_INDEX,
        old="near = min(exact, key=len) if exact else self._called(dict(patterns).get(NAME, _ANYTHING))",
        new="near = min(exact, key=len, default=())",
        stories=(f"{_INDEX_TESTS}::test_keys_are_anded_and_items_are_ored",),
    ),
    Mutant(
        name="template-of-the-first-person",
        promise="What a template picks is each person's own, whoever was asked about before.",
        file=_INDEX,
        old="        if not texts:\n",
        new="        if texts is not None:\n",
        stories=(f"{_INDEX_TESTS}::test_one_index_picks_each_persons_own",),
    ),
    Mutant(
        name="any-text-of-a-selector",
        promise="A selector picks only profiles on which all of its texts agree.",
        file=_INDEX,
        old="for number in near if takes(patterns, self.texts[number])]",
        new="for number in near]",
        stories=(f"{_INDEX_TESTS}::test_keys_are_anded_and_items_are_ored",),
    ),
    Mutant(
        name="sweep-keeps-the-loop",
        promise="A sweep lets go of the event loop while it decides, so that an HTTP answer comes meanwhile.",
        file="shared/services/slices.py",
        old="        if self._left <= 0:\n",
        new="        if self._left <= -1_000_000:\n",
        stories=(f"{_YIELDS}::test_an_http_request_is_answered_before_a_sweep_has_decided_for_a_tenth",),
    ),
    Mutant(
        name="failed-catalogue-kept",
        promise="A read of the catalogue that failed is told to who waits for it, and kept for nobody.",
        file=_CATALOGUE,
        old="if self._reading is not None and self._reading[1] is task:",
        new="if self._reading is not None and self._reading[1] is task and task.exception() is None:",
        stories=(f"{_CATALOGUE_TESTS}::test_a_failed_read_is_told_to_everybody_who_waits_and_to_nobody_later",),
    ),
    Mutant(
        name="waiter-cancels-for-all",
        promise="Who waits for the catalogue and is cancelled takes it from nobody else.",
        file=_CATALOGUE,
        old="return await asyncio.shield(reading[1])",
        new="return await reading[1]",
        stories=(f"{_CATALOGUE_TESTS}::test_who_is_cancelled_takes_the_catalogue_from_nobody_else",),
    ),
    Mutant(
        name="judged-catalogue-overwritten",
        promise="Who reads the catalogue later than another instance takes what that one stored.",
        file=_CATALOGUE,
        old="await self.state.put_catalogue_over(found, fresh)",
        new="await self.state.put_catalogue(fresh)",
        stories=(f"{_CATALOGUE_TESTS}::test_who_reads_later_than_another_instance_takes_what_it_stored",),
    ),
    Mutant(
        name="read-left-running",
        promise="A check that fails leaves no read running beside it.",
        file=_BESIDE,
        old="    unfinished = [task for task in tasks if not task.done()]\n",
        new="    unfinished = [task for task in tasks if task.cancelled()]\n",
        stories=(f"{_BESIDE_TESTS}::test_a_block_that_fails_leaves_no_work_beside_it",),
    ),
    Mutant(
        name="lists-as-they-come",
        promise="Lists that are read side by side are found in the order of their profiles.",
        file=_BESIDE,
        old="for number in sorted(found)]",
        new="for number in found]",
        stories=(f"{_BESIDE_TESTS}::test_answers_are_in_the_order_of_the_questions_whoever_is_first",),
    ),
)
"""What makes answers wrong or late that were to come sooner."""
