"""A mutant: one deliberate mistake in the app, and the invariants that have to notice it.

Lives here: what a mutant is, and making it of a copy of the source. Which mutants there are is in the modules named
after what they break; running them is `hunt`'s and `command`'s.
"""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MUTATED: Final = ("shared", "functions")
"""The packages in which mutants are made: what is deployed."""


class MovedOnError(Exception):
    """The source is no longer what a mutant was written for."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake.

    `promise` says in words what it breaks. `old` is in `file` exactly once, and `new` stands in its place.
    `caught_by` are the invariants of which one has to notice it: named where they are written. `stories` are tests
    (as pytest names them) of which one has to fail, for a mistake that no history comes to by chance.
    """

    name: str
    promise: str
    file: str
    old: str
    new: str
    caught_by: tuple[str, ...] = ()
    stories: tuple[str, ...] = ()

    def text(self, root: Path) -> str:
        """The file with the mistake in it, of the source below `root`.

        Raises `MovedOnError` where `old` is not there exactly once, or where the mistake would change no code.
        """
        if Path(self.file).parts[0] not in MUTATED:
            raise MovedOnError(f"{self.name}: {self.file} is not deployed; mutants are made in {', '.join(MUTATED)}")
        path = root / self.file
        if not path.is_file():
            raise MovedOnError(f"{self.name}: there is no {self.file} any more")
        source = path.read_text()
        times = source.count(self.old)
        if times != 1:
            raise MovedOnError(
                f"{self.name}: the code moved on; {self.file} has this {times} times, not once. Find what it became, "
                f"and remedy the mutant:\n{self.old}"
            )
        mutated = source.replace(self.old, self.new)
        if ast.dump(ast.parse(mutated, self.file)) == ast.dump(ast.parse(source, self.file)):
            raise MovedOnError(f"{self.name}: what it writes into {self.file} changes nothing")
        return mutated
