"""Mutants of what is remembered, shared or done in slices so that nobody waits for it."""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

_INDEX: Final = "shared/domain/policy/profile_index.py"
_INDEX_TESTS: Final = "tests/app/unit/domain/policy/test_domain_selectors.py"
_YIELDS: Final = "tests/simulation/test_sim_sweep_yields.py"

MUTANTS: Final = (
    Mutant(
        name="wildcards-find-nothing",
        promise="A selector whose only text has a wildcard picks every profile that fits.",
        file=_INDEX,
        old="near = self._called(pattern) if found is None else found",
        new="near = _NOBODY if found is None else found",
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
        old="found = there if found is None else found & there",
        new="found = there if found is None else found | there",
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
)
"""What makes answers wrong or late that were to come sooner."""
