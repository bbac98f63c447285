"""What completes a word that names a profile or a hold: from what the last answer left, and never from the network.

Lives here: leaving it, finding it again, and writing it as the shell wants it. It is imported by declarations.
"""

import hashlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from cli import cache

if TYPE_CHECKING:
    from shared.domain.guards.hold_listing import HoldGroup
    from shared.domain.view import ProfileView

_NAME: Final = "names.json"
_PLAIN: Final = frozenset(" -_.:")
"""Beside letters and digits, what a completion may have: shells evaluate the rest, each in its own way."""
_MOST: Final = 2_000
"""Profiles, or holds, that are kept."""


class _Chosen(str):
    """A word that was chosen here: typer would drop one that is not typed to the letter, such as Contoso for `con`."""

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        """It does, as far as whoever typed is concerned."""
        return True


def leave(*, profiles: "Iterable[ProfileView] | None" = None, holds: "Iterable[HoldGroup] | None" = None) -> None:
    """Leaves names for completion: those of all profiles, and of all groups and holds. What is None stays as it was."""
    kept = _kept()
    if profiles is not None:
        kept["profiles"] = sorted([one.name, one.key.profile] for one in profiles)[:_MOST]
    if holds is not None:
        kept["holds"] = [[one.id, f"{len(one.holds)} to decide"] for one in holds][:_MOST]
    cache.leave(_NAME, kept)


def profile(incomplete: str) -> list[tuple[str, str]]:
    """Profiles whose name or id begins so; by its id where its name has characters that a shell would evaluate."""
    begins = incomplete.casefold()
    found = []
    for name, id_ in _pairs("profiles"):
        if id_.casefold().startswith(begins) and begins:
            found.append((id_, name))
        elif name.casefold().startswith(begins):
            found.append((name, id_) if _is_plain(name) else (id_, name))
    return _written(found)


def hold(incomplete: str) -> list[tuple[str, str]]:
    """Groups and holds whose id begins so."""
    begins = incomplete.casefold()
    return _written((id_, what) for id_, what in _pairs("holds") if id_.casefold().startswith(begins))


def _kept() -> dict[str, Any]:
    """What was left for this store; of another deployment's nothing is offered."""
    store = hashlib.sha256(os.environ.get("INVOICE_ACCESS_STORE", "").encode()).hexdigest()
    kept = cache.read(_NAME)
    return kept if isinstance(kept, dict) and kept.get("store") == store else {"store": store}


def _pairs(of: str) -> list[tuple[str, str]]:
    kept = _kept().get(of)
    return [(one[0], one[1]) for one in kept if _is_pair(one)] if isinstance(kept, list) else []


def _is_pair(one: object) -> bool:
    return isinstance(one, list) and [type(each) for each in one] == [str, str]


def _is_plain(text: str) -> bool:
    return all(character.isalnum() or character in _PLAIN for character in text)


def _written(found: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """As the shell that asks would have it typed; what is shown beside a word is plain as well."""
    shell = os.environ.get("_INVOICE_ACCESS_COMPLETE", "").removeprefix("complete_")
    plain = ((word, "".join(one if one.isalnum() or one in _PLAIN else " " for one in told)) for word, told in found)
    return [(_Chosen(_quoted(word, shell)), told) for word, told in plain if _is_plain(word)]


def _quoted(word: str, shell: str) -> str:
    """Zsh and fish quote what they insert; bash and PowerShell insert it as it is."""
    if " " not in word:
        return word
    if shell == "powershell":
        return f"'{word}'"
    is_open = any(os.environ.get("COMP_WORDS", "").count(quote) % 2 for quote in "'\"")
    return word.replace(" ", "\\ ") if shell == "bash" and not is_open else word
