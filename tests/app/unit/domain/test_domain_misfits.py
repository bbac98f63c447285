"""One wording of what does not fit, whoever sent it."""

import json

import pytest

from shared.adapters.graph.people import read_person
from shared.adapters.graph.wire import MemberGroupsAnswer, parse
from shared.adapters.queues.work_wire import decode
from shared.domain.people import SELECT, UnreadablePerson
from shared.errors import FailedRead, Rejected
from shared.sources.posted import Posted
from shared.sources.source import Body, read_json

ANNA = "7c0f5a0e-0000-4000-8000-00000000000a"


class _Posted(Body):
    hints: list[str]


def test_source_work_item_and_graphs_answer_say_the_same_of_the_same_mistake() -> None:
    with pytest.raises(Rejected) as posted:
        read_json(_Posted, Posted(b'{"hints": 7}'), "Send it again")
    with pytest.raises(Rejected) as queued:
        decode(json.dumps({"hints": 7}).encode())
    with pytest.raises(FailedRead, match="Graph's answer does not fit: value: it is not an array"):
        parse(MemberGroupsAnswer, b'{"value": 7}', "the groups of a person")
    assert posted.value.field == "hints"
    assert posted.value.reason == "it is not an array"
    assert queued.value.reason == "it is missing"


def test_what_is_odd_about_a_person_is_said_in_the_same_words_and_by_the_attribute() -> None:
    user = dict.fromkeys(SELECT) | {
        "id": ANNA,
        "accountEnabled": True,
        "userPrincipalName": "anna@contoso.example",
        "onPremisesExtensionAttributes": {f"extensionAttribute{n}": None for n in range(1, 16)},
    }
    person = read_person(json.dumps(user | {"jobTitle": 7}).encode(), "a person")
    assert isinstance(person, UnreadablePerson)
    assert person.problems == ("jobTitle: it is not a text",)
    del user["jobTitle"]
    with pytest.raises(FailedRead, match="a person: Graph's answer does not fit: jobTitle is missing"):
        read_person(json.dumps(user).encode(), "a person")
