"""The catalogues of the page: every message of its templates, for each language that people translate.

Lives here: finding the messages, and keeping `shared/desk/locale/*.po` by them (`make describe`). A new message comes
in without words, or as fuzzy with those of the message that is most like it; what the templates no longer have goes.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from shared.desk.languages import CATALOGUES

_DESK: Final = CATALOGUES.parent
_METHODS: Final = [("templates/**.html", "jinja2"), ("**.py", "python")]
_OPTIONS: Final[Mapping[str, dict[str, Any]]] = {
    "templates/**.html": {
        "trimmed": "true",  # as the page reads them: see shared.desk.rendered
        "newstyle_gettext": "true",
        "silent": "false",
        "extensions": "jinja2.ext.do",
    }
}
_HEADER: Final = """# {language} of the page. `make describe` keeps the messages; the words are people's.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Language: {code}\\n"
"Plural-Forms: {plurals}\\n"

"""


def messages() -> Catalog:
    """Every message that the page has, in order of files and lines."""
    found = Catalog()
    for file, _, message, _, context in extract_from_dir(_DESK, method_map=_METHODS, options_map=_OPTIONS):
        found.add(message, locations=[(file, 1)], context=context)
    return found


def catalogue(code: str) -> Catalog:
    """What a language has for the messages of the page as they are now; a language without a file has nothing yet."""
    path = CATALOGUES / f"{code}.po"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = read_po(io.StringIO(text), locale=code)
    found.update(messages())
    return found


def catalogues() -> dict[Path, str]:
    """The text of every catalogue's file, by its path."""
    return {path: _text(path.stem) for path in sorted(CATALOGUES.glob("*.po"))}


def _text(code: str) -> str:
    found, written = catalogue(code), io.BytesIO()
    write_po(written, found, omit_header=True, ignore_obsolete=True, include_lineno=False, width=120)
    language = found.locale.get_display_name("en") if found.locale else code
    return _HEADER.format(language=language, code=code, plurals=found.plural_forms) + written.getvalue().decode()
