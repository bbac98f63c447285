"""What a notice looks like to who receives it: plain JSON, or an adaptive card for a workflow of Microsoft Teams.

Lives here: the two forms, and the page that a notice leads to. Pure. A card's texts stand in runs of a rich text block,
which know no Markdown: a profile's name that looks like a link or a mention stays text.

Sources: the published schema of adaptive cards, 1.5 (RichTextBlock and TextRun since 1.2, Action.OpenUrl since 1.0),
and "Create incoming webhooks with Workflows for Microsoft Teams", Microsoft Learn: a message with one attachment.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.domain.notices.notice import Notice, NoticeKind
from shared.domain.reasons import Reason
from shared.wording.say import say, with_text

SCHEMA: Final = "invoice-access/notice/1"

CARD_TYPE: Final = "application/vnd.microsoft.card.adaptive"

CARD_VERSION: Final = "1.4"
"""The least version that has all that the card uses; Teams shows up to 1.5."""

_CARD_SCHEMA: Final = "http://adaptivecards.io/schemas/adaptive-card.json"

_LINE_CHARACTERS: Final = 400
"""A line's text, cut there: ten lines and the title stay far below the 28 KB that a message of Teams may have."""

_PAGES: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.MAIL: "/profiles",
    NoticeKind.CHECK_FAILED: "/health",
    NoticeKind.REJECTED: "/todo",
    NoticeKind.DEAD_LETTERS: "/health",
    NoticeKind.FEED: "/health",
    NoticeKind.DECISION: "/todo",
    NoticeKind.LEAVERS: "/todo",
    NoticeKind.PAUSE: "/todo",
    NoticeKind.DIGEST: "/profiles",
}
"""Where on the page more is to be seen."""


def link_of(notice: Notice, page: str) -> str | None:
    """The page's address for a notice; None where nobody said where the page is."""
    return f"{page.rstrip('/')}{_PAGES[notice.kind]}" if page else None


def plain_json(notice: Notice, page: str) -> dict[str, Any]:
    """A notice for programs: codes with their facts, and their English words beside them."""
    return {
        "schema": SCHEMA,
        "id": notice.id,
        "kind": notice.kind.value,
        "at": notice.at.isoformat(),
        "title": with_text(notice.title),
        "lines": [with_text(line) for line in notice.lines],
        "link": link_of(notice, page),
    }


def teams_message(notice: Notice, page: str, words: Callable[[Reason], str] = say) -> dict[str, Any]:
    """A notice for a channel of Teams: a message that is one card. `words` are those of the channel's language."""
    title, lines = _cut(words(notice.title)), [_cut(words(line)) for line in notice.lines]
    title = title[:1].upper() + title[1:]  # a line may begin with a name, which stays as it is
    card: dict[str, Any] = {
        "$schema": _CARD_SCHEMA,
        "type": "AdaptiveCard",
        "version": CARD_VERSION,
        "fallbackText": title,
        "body": [_text(title, weight="bolder", size="medium"), *map(_text, lines)],
    }
    if (link := link_of(notice, page)) is not None:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "invoice-access", "url": link}]
    return {"type": "message", "attachments": [{"contentType": CARD_TYPE, "contentUrl": None, "content": card}]}


def _cut(text: str) -> str:
    return text if len(text) <= _LINE_CHARACTERS else f"{text[: _LINE_CHARACTERS - 1]}…"


def _text(text: str, **look: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}
