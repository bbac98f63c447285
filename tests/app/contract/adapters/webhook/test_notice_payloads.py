"""What a notice looks like: JSON with codes beside the words, and a card that Teams shows as it is."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest

from shared.adapters.webhook.payloads import CARD_TYPE, CARD_VERSION, plain_json, teams_message
from shared.domain.alike import plain
from shared.domain.notices.notice import MOST_LINES, Notice, NoticeKind
from shared.domain.reasons import Code, Reason
from shared.wording.languages import language
from tests.app.contract.adapters.webhook.adaptive_card import CARD, NEEDS

AT = datetime(2026, 3, 2, 9, 7, tzinfo=UTC)
PAGE = "https://invoices.contoso.example"
TEAMS_BYTES = 28 * 1024


def notice(kind: NoticeKind, *lines: Reason, title: Reason | None = None) -> Notice:
    return Notice("0f" * 16, kind, AT, title or Code.NOTICE_MAIL(count=1), lines)


MAIL = notice(
    NoticeKind.MAIL, Code.PROFILE_MAIL(profile="Contoso UK", day="2026-03-05", because=Code.NOBODY_CAN_READ(missed=2))
)


def test_json_has_codes_with_their_facts_and_the_words_beside_them() -> None:
    assert plain_json(MAIL, PAGE) == {
        "schema": "invoice-access/notice/1",
        "id": "0f" * 16,
        "kind": "will-not-mail",
        "at": "2026-03-02T09:07:00+00:00",
        "title": {
            "text": "1 invoice may not reach the people who need it",
            "code": "notice-mail",
            "facts": {"count": 1},
        },
        "lines": [
            {
                "text": "Contoso UK, invoice day 2026-03-05: nobody who gets its invoices can read mail: "
                "2 people have a role there, and are disabled, deleted or without a mailbox",
                "code": "profile-mail",
                "facts": {
                    "profile": "Contoso UK",
                    "day": "2026-03-05",
                    "because": {"code": "nobody-can-read", "facts": {"missed": 2}},
                },
            }
        ],
        "link": f"{PAGE}/profiles",
    }


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("page", ["", PAGE], ids=["no page", "a page"])
def test_a_card_is_what_the_published_schema_says(kind: NoticeKind, page: str) -> None:
    message = teams_message(notice(kind, Code.NOT_CHECKED(), Code.MORE_LINES(count=3)), page)
    (attachment,) = message["attachments"]
    assert (message["type"], attachment["contentType"], attachment["contentUrl"]) == ("message", CARD_TYPE, None)
    card = attachment["content"]
    jsonschema.validate(card, CARD, format_checker=jsonschema.FormatChecker())
    assert CARD_VERSION >= NEEDS
    assert [one["url"].startswith(f"{PAGE}/") for one in card.get("actions", [])] == ([True] if page else [])


def test_a_card_begins_its_lines_as_sentences() -> None:
    card = teams_message(MAIL, "")["attachments"][0]["content"]
    texts = [block["inlines"][0]["text"] for block in card["body"]]
    assert texts[0] == card["fallbackText"] == "1 invoice may not reach the people who need it"
    assert texts[1].startswith("Contoso UK, invoice day 2026-03-05: nobody")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", ["All 2 active profiles will mail their next invoice", "5 March 2026: 2 profiles, 3 people each"]),
        ("nl", ["Alle 2 actieve profielen mailen hun volgende factuur", "5 maart 2026: 2 profielen, elk 3 mensen"]),
        ("sv", ["Alla 2 aktiva profiler mejlar sin nästa faktura", "5 mars 2026: 2 profiler, 3 personer var"]),
    ],
)
def test_the_weeks_digest_is_in_the_language_of_whoever_reads_it(code: str, said: list[str]) -> None:
    lines = (Code.MAILS_ON(day="2026-03-05", profiles=2, each=3),)
    digest = replace(MAIL, kind=NoticeKind.DIGEST, title=Code.NOTICE_ALL_WILL_MAIL(count=2), lines=lines)
    card = teams_message(digest, PAGE, language(code).say)["attachments"][0]["content"]
    jsonschema.validate(card, CARD)
    assert [block["inlines"][0]["text"] for block in card["body"]] == said


@pytest.mark.parametrize(
    "name",
    [
        "[pay here](https://evil.example)",
        "<at>everyone</at>",
        "<script>alert(1)</script>",
        "**bold** _it_ `code`",
        'a"b\\c\n\u202edlrow',
        "x" * 5000,
        "\U0001f4e8" * 300,
    ],
    ids=["a link", "a mention", "a tag", "markdown", "quotes and turns", "very long", "emoji"],
)
def test_a_profile_s_name_is_text_and_nothing_else(name: str) -> None:
    said = notice(NoticeKind.MAIL, *[Code.PROFILE_MAIL(profile=name, day="", because=Code.OPTED_OUT())] * MOST_LINES)
    body = json.dumps(teams_message(said, PAGE), ensure_ascii=False)
    assert len(body.encode()) < TEAMS_BYTES
    card = json.loads(body)["attachments"][0]["content"]
    jsonschema.validate(card, CARD)  # runs of text, in which no Markdown is read
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    line = card["body"][1]["inlines"][0]["text"]
    assert line.startswith(plain(name)[:300])
    assert "\u202e" not in line
    assert [one["url"] for one in card["actions"]] == [f"{PAGE}/profiles"]
