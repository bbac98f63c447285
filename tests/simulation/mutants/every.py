"""Every mutant there is, in the order in which they are run."""

from typing import Final

from tests.simulation.mutants import (
    of_access,
    of_guards,
    of_kinds,
    of_looks,
    of_moments,
    of_profiles,
    of_reads,
    of_writes,
)
from tests.simulation.mutants.mutant import Mutant

MUTANTS: Final[tuple[Mutant, ...]] = (
    *of_access.MUTANTS,
    *of_reads.MUTANTS,
    *of_writes.MUTANTS,
    *of_guards.MUTANTS,
    *of_profiles.MUTANTS,
    *of_looks.MUTANTS,
    *of_kinds.MUTANTS,
    *of_moments.MUTANTS,
)
