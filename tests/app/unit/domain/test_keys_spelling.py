"""One key, however it is spelled: the same checks of it fall into one session, one chain and one message."""

from datetime import UTC, datetime

import pytest

from shared.domain.keys import Key, NameKey, NameKind, PersonKey, ProfileKey, chain_key, parse_key, session_id
from shared.domain.work import Cause, CauseKind, WorkItem, at_once

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACCOUNT = "10000000-0000-0000-0000-000000000000:abcdef00-0000-0000-0000-0000000000aa_2019-05-31"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PersonKey("7c0f5a0e-abcd-4000-8000-000000000001"), PersonKey("7C0F5A0E-ABCD-4000-8000-000000000001")),
        (ProfileKey(ACCOUNT, "NL-BG7"), ProfileKey(ACCOUNT, "nl-bg7")),
        (ProfileKey(ACCOUNT, "NL-BG7"), ProfileKey(ACCOUNT.upper(), "NL-BG7")),
        (ProfileKey(ACCOUNT, "NL-BG7"), ProfileKey(ACCOUNT.replace(":", "%3A"), "NL-BG7")),
        (
            NameKey(NameKind.UPN, "femke@contoso.example"),
            NameKey(NameKind.UPN, "Femke@Contoso.Example"),
        ),
        (NameKey(NameKind.EMPLOYEE_ID, "e17"), NameKey(NameKind.EMPLOYEE_ID, " E17 ")),
    ],
)
def test_however_a_key_is_spelled_it_has_one_session_chain_and_message(one: Key, other: Key) -> None:
    cause = Cause(CauseKind.EVENT, "hr#1")
    assert one == other
    assert hash(one) == hash(other)
    assert one.canonical == other.canonical
    assert session_id(one) == session_id(other)
    assert chain_key(one) == chain_key(other)
    first, second = (at_once(WorkItem(key, cause, NOW), "x") for key in (one, other))
    assert first.message_id == second.message_id
    assert parse_key(one.canonical.upper()) == one


def test_keys_that_differ_have_chains_of_their_own() -> None:
    keys: list[Key] = [
        ProfileKey(ACCOUNT, "NL-BG7"),
        ProfileKey(ACCOUNT, "DE-BG7"),
        NameKey(NameKind.UPN, "e17@contoso.example"),
        NameKey(NameKind.MAIL, "e17@contoso.example"),
    ]
    assert len({chain_key(key) for key in keys}) == len(keys)
