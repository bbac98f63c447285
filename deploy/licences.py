"""Which licences what we deploy comes under, and whether each is one that we may ship.

`python -m deploy.licences` lists them. Lives here: reading a package's licence out of its metadata, and the list of
those that are allowed. None asks for more than that its text comes along; a package's own metadata do, in the zip.
"""

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from license_expression import (  # type: ignore[import-untyped] # it ships no types
    ExpressionError,
    get_spdx_licensing,
)
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

PROJECT: Final = Path(__file__).resolve().parents[1]

ALLOWED: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "LicenseRef-BSD",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
    }
)
"""SPDX names of licences that we may ship. `LicenseRef-BSD` is a BSD licence of two or three clauses: some metadata do
not say which. MPL-2.0 is about its own files, which we ship unchanged."""

_CLASSIFIERS: Final = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "LicenseRef-BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_WORDS: Final = {"apache 2.0": "Apache-2.0", "bsd": "LicenseRef-BSD"}

_SPDX: Final = get_spdx_licensing()


def shipped() -> Iterator[Distribution]:
    """What requirements.lock names, as it is installed here.

    Raises `PackageNotFoundError` for what is not, and ValueError for another version: what is told would not ship.
    """
    for line in (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        name, pinned, rest = line.partition("==")
        if pinned and not line.startswith(("#", " ")):
            found, version = distribution(name), rest.split()[0]
            if found.version != version:
                raise ValueError(f"{name} {found.version} is installed, and {version} ships: make setup")
            yield found


def licence_of(package: Distribution) -> str:
    """A package's licence as an SPDX expression; "" where its metadata do not tell.

    By the first of these that can be read: `License-Expression`, a `License` that is one, the classifiers, of which all
    count, and a `License` in other words.
    """
    told = package.metadata
    said = (told.get("License") or "").strip()
    classes = [each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or () if each.startswith("License ::")]
    known = [_CLASSIFIERS[each] for each in classes if each in _CLASSIFIERS]
    by_class = " AND ".join(sorted(set(known))) if len(known) == len(classes) else ""
    return (
        _expression(told.get("License-Expression") or "")
        or _expression(said)
        or by_class
        or _WORDS.get(said.lower(), "")
    )


def is_allowed(expression: str) -> bool:
    """Whether an expression leaves a way to ship: every side of an AND, one of an OR."""
    try:
        parsed = _SPDX.parse(expression)
    except ExpressionError:
        return False
    if parsed is None:
        return False
    yes, no = _SPDX.TRUE, _SPDX.FALSE
    answers = {symbol: yes if symbol.key in ALLOWED else no for symbol in parsed.symbols}
    return bool(parsed.subs(answers, simplify=True) == yes)


def refused(packages: Iterable[Distribution]) -> list[str]:
    """A line for each package that may not ship, or does not say whether it may."""
    found = [(package.name, licence_of(package)) for package in packages]
    return [f"{name}: {licence or 'it tells no licence'}" for name, licence in found if not is_allowed(licence)]


def _expression(text: str) -> str:
    if not text or "\n" in text:
        return ""
    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return ""


def main() -> int:
    """Lists every package with its licence; 1 where one may not ship."""
    try:
        packages = list(shipped())
    except PackageNotFoundError as missing:
        sys.stderr.write(f"{missing.name} is not installed: make setup\n")
        return 1
    except ValueError as other:
        sys.stderr.write(f"{other}\n")
        return 1
    for package in packages:
        sys.stdout.write(f"{package.name:45} {licence_of(package) or '?'}\n")
    for line in (wrong := refused(packages)):
        sys.stderr.write(f"may not ship: {line}\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
