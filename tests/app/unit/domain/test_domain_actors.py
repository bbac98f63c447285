"""Who acts, as an access token says it, and what is remembered of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.actors import Actor, Actors, actor_of, with_actors
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.view import FORGOTTEN, Called, Mailbox

OID, TENANT, APP = (f"7c0f5a0e-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({"name": "Olga Berg", "upn": "olga@x.example"}, ("Olga Berg", "olga@x.example", False)),
        ({"name": "Olga", "preferred_username": "olga@x.example"}, ("Olga", "olga@x.example", False)),
        # a guest: Entra gives them no upn
        ({"name": "Gus", "unique_name": "live.com#gus@y.example"}, ("Gus", "live.com#gus@y.example", False)),
        ({"upn": " olga@x.example "}, ("", "olga@x.example", False)),
        ({"name": 7, "upn": "olga@x.example"}, ("", "olga@x.example", False)),
        ({"appid": APP, "idtyp": "app"}, (f"app {APP}", "", True)),
        ({"azp": APP}, (f"app {APP}", "", True)),
        ({"appid": APP, "idtyp": "app", "name": "Pipeline", "upn": "x"}, ("Pipeline", "", True)),
        ({}, ("", "", True)),
    ],
)
def test_a_token_says_who_acts_and_what_they_are_called(claims: dict[str, Any], found: tuple[str, str, bool]) -> None:
    actor = actor_of({"oid": OID.upper(), "tid": TENANT.upper(), **claims})
    assert (actor.object_id, actor.tenant) == (OID, TENANT)
    assert (actor.name, actor.upn, actor.is_app) == found


@pytest.mark.parametrize("claims", [{}, {"oid": ""}, {"oid": "olga"}, {"oid": 7}, {"oid": None}])
def test_a_token_without_an_object_id_is_nobodys(claims: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="oid"):
        actor_of({"name": "Olga", **claims})


def test_who_acted_is_remembered_for_400_days_after_the_last_time() -> None:
    olga, pete = Actor(OID, name="Olga"), Actor(APP, name="Pete")
    actors = Actors().with_one(olga, NOW).with_one(pete, NOW + timedelta(days=1))
    assert {one.name for one in actors.with_one(pete, NOW + FORGOTTEN).called.values()} == {"Olga", "Pete"}
    later = actors.with_one(pete, NOW + FORGOTTEN + timedelta(seconds=1))
    assert {one.name for one in later.called.values()} == {"Pete"}
    assert later.called[APP].used == NOW + FORGOTTEN + timedelta(seconds=1)


def seen(name: str, asked: datetime) -> Called:
    """Somebody as a view shows them."""
    return Called(
        object_id=OID,
        kind=PrincipalKind.PERSON,
        name=name,
        upn="o@x.example",
        employee_id="E7",
        mailbox=Mailbox.YES,
        asked=asked,
        used=asked,
    )


def test_the_newer_name_counts_and_what_a_token_does_not_say_stays() -> None:
    actors = Actors().with_one(Actor(OID, name="Olga Vos"), NOW)
    before, after = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    named = with_actors({OID: seen("Olga Berg", before)}, actors)[OID]
    assert (named.name, named.upn, named.employee_id, named.mailbox) == ("Olga Vos", "o@x.example", "E7", Mailbox.YES)
    assert with_actors({OID: seen("Olga Berg", after)}, actors)[OID].name == "Olga Berg"
    assert with_actors({}, actors)[OID].name == "Olga Vos"
    assert with_actors({}, Actors()) == {}
