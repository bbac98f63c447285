"""Says a reason in words: the one place where text is made of a code and its facts.

Lives here: how facts are filled into a template. The templates are a table for each language, such as `english`; a
second language is one more table. Whoever decides or stores never imports this.

A template names each fact of its code in braces, and may say how it is shown:

    {profile}               a text or a number as it is; several texts with commas; other reasons in words, with "; "
    {left:time}             a moment: 2026-03-02 09:00 UTC, or as the reader's language has it
    {until:day}             a day: 2026-03-02, or as the reader's language has it
    {attribute:named}       an attribute of the directory: as Microsoft Graph calls it, or in the reader's language
    {rules:rule|rules}      the first for one (a number, or how many there are), else the second
    {kind:grants=given|mover_revokes=removed}   the words for that text
    {near:+ and }           several, with this between them
    {status:?not said}      the text, or these words where it is empty; {until:day?not known} likewise
    {text:shown}            in quotes, with what the eye does not see escaped; several with commas
    {text:plain}            the same, but as it is where the eye sees all of it
    {profile:shell}         as a word of a command line in a POSIX shell
"""

import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from string import Formatter
from typing import Any, Final

from shared.domain.alike import plain, shown
from shared.domain.reasons import Code, Fact, Reason
from shared.wording.english import ENGLISH

type Table = Mapping[Code, str]
type Spelled = Mapping[str, Callable[[str], str]]
"""How a fact is written, by how its template wants it shown."""

type _Piece = tuple[str, str | None, str]
"""Text, then the name of a fact (None after the last one) and how it is shown."""

_OF_REASONS: Final = "; "
"""What stands between several reasons."""


def say(reason: Reason, table: Table = ENGLISH, spelled: Spelled | None = None) -> str:
    """A reason in the words of a language. `spelled` is how that language writes days, moments and attributes."""
    return _said(reason, table, PLAINLY if spelled is None else {**PLAINLY, **spelled})


def _said(reason: Reason, table: Table, spelled: Spelled) -> str:
    template = table[reason.code]
    if not reason.facts:
        return template
    said = []
    for text, name, how in _pieces(template):
        said.append(text)
        if name is not None:
            said.append(_filled(reason.facts[name], how, table, spelled))
    return "".join(said)


def with_text(reason: Reason) -> dict[str, Any]:
    """A reason for programs that show it as well: its words beside its code and facts. A `default` of `json.dumps`."""
    return {"text": say(reason), **reason.as_json()}


def _time(fact: str) -> str:
    return f"{datetime.fromisoformat(fact).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


PLAINLY: Final[dict[str, Callable[[str], str]]] = {
    "time": _time,
    "day": str,
    "named": str,
    "shown": shown,
    "plain": plain,
    "shell": shlex.quote,
}
"""How facts are written for whoever asks for no language: on the command line, in JSON and in the log."""


@cache
def _pieces(template: str) -> list[_Piece]:
    return [(text, name, how or "") for text, name, how, _ in Formatter().parse(template)]


def _filled(fact: Fact, how: str, table: Table, spelled: Spelled) -> str:
    if "|" in how:
        return _chosen(fact, how.split("|"))
    name, _, instead = how.partition("?")
    if instead and fact == "":
        return instead
    if name in spelled:
        each = fact if isinstance(fact, tuple) else (fact,)
        return ", ".join(spelled[name](str(one)) for one in each)
    if isinstance(fact, tuple):
        between = how[1:] or (_OF_REASONS if any(isinstance(one, Reason) for one in fact) else ", ")
        return between.join(_filled(one, "", table, spelled) for one in fact)
    if isinstance(fact, Reason):
        return _said(fact, table, spelled)
    return str(fact)


def _chosen(fact: Fact, choices: list[str]) -> str:
    """The words for a text, or those for one or several."""
    if isinstance(fact, str):
        return dict(choice.split("=", 1) for choice in choices).get(fact, fact)
    count = len(fact) if isinstance(fact, tuple) else fact
    return choices[count != 1]
