"""Every mutant there is, in the order in which they are run."""

from typing import Final

from tests.simulation.mutants import (
    of_access,
    of_checks,
    of_guards,
    of_kinds,
    of_moments,
    of_operators,
    of_profiles,
    of_reads,
    of_speed,
    of_writes,
)
from tests.simulation.mutants.mutant import Mutant

MODULES: Final = (
    of_access,
    of_reads,
    of_writes,
    of_guards,
    of_profiles,
    of_checks,
    of_kinds,
    of_moments,
    of_speed,
    of_operators,
)
MUTANTS: Final[tuple[Mutant, ...]] = tuple(mutant for module in MODULES for mutant in module.MUTANTS)
