"""Mutants of the adapters' reads: pages, failures taken for answers, and where tokens go."""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

MUTANTS: Final = (
    Mutant(
        name="arm-ignores-next-link",
        promise="A list of billing is read to its last page.",
        file="shared/adapters/billing/arm.py",
        old="            if link is None:\n                return\n",
        new="            if link is None or rows:\n                return\n",
        caught_by=("actual_is_desired", "no_leaver_holds_managed"),
    ),
    Mutant(
        name="graph-ignores-next-link",
        promise="A list of the directory is read to its last page.",
        file="shared/adapters/graph/client.py",
        old="            if next_link is None:\n                return\n",
        new="            if next_link is not None:\n                return\n            return\n",
        caught_by=("actual_is_desired", "no_leaver_holds_managed"),
    ),
    Mutant(
        name="gateway-404-is-gone",
        promise="Gone is said only where the directory itself says so.",
        file="shared/adapters/graph/client.py",
        old="if status == HTTPStatus.NOT_FOUND and code == _NOT_FOUND:",
        new="if status == HTTPStatus.NOT_FOUND:",
        caught_by=("decides_on_whole_answers", "no_revoke_without_evidence"),
    ),
    Mutant(
        name="server-error-is-absence",
        promise="A failed read is never an empty one: a 5xx of billing does not say that a row is gone.",
        file="shared/adapters/billing/arm.py",
        old="        if is_absence(response):\n            return None\n        raise failure(",
        new=(
            "        if is_absence(response) or response.status_code >= 500:\n"
            "            return None\n"
            "        raise failure("
        ),
        caught_by=("absence_was_read", "done_was_read_back"),
    ),
    Mutant(
        name="failed-page-is-the-end",
        promise="A sweep that could not read everybody is incomplete, and says so.",
        file="shared/services/estate.py",
        old=(
            "            estate.people_complete = False\n"
            "            estate.failures.append("
            "Code.PEOPLE_NOT_READ(rules=tuple(rules), said=_unquoted(failure, asked)))"
        ),
        new='            estate.listed += len(f"{failure}") * 0',
        caught_by=("failed_reads_are_told",),
    ),
    Mutant(
        name="failed-list-is-empty",
        promise="A profile whose assignments could not be listed makes the sweep incomplete.",
        file="shared/services/estate.py",
        old="            estate.failures.append(_not_read(profile.key, answer))\n",
        new="            pass\n",
        caught_by=("failed_reads_are_told",),
    ),
    Mutant(
        name="missing-attribute-is-null",
        promise="An answer without a selected attribute is a failed read, and not a null.",
        file="shared/adapters/graph/wire.py",
        old="    account_enabled: bool | None\n",
        new="    account_enabled: bool | None = None\n",
        caught_by=("decides_on_whole_answers",),
    ),
    Mutant(
        name="foreign-link-gets-token",
        promise="A token goes to the service it is for, and to no other host that an answer names.",
        file="shared/adapters/http/pipeline.py",
        old="        if origin != self._own:\n",
        new="        if origin[0] != self._own[0]:\n",
        caught_by=("tokens_stay_home",),
    ),
)
"""What reads too little, or takes a failure for an answer."""
