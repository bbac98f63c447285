"""Drawing a world: who and what is there when a simulation begins, and how the open questions are answered in it.

Lives here: the dice for the beginning. What happens then is `history`'s, and policies are drawn by `policies`.
"""

import random
from typing import Any, Final

from sandbox.billing.switches import Switches as BillingSwitches
from sandbox.graph.switches import Switches as GraphSwitches
from shared.domain.billing import INVOICE_MANAGER
from tests.simulation.small_world import COMPANIES, TREASURY, by_hand, guid, user, world

_PERSON_ID: Final = 10
_OF_NOBODY: Final = 0.1
"""How many of the profiles have an assignment without a principal."""

_NAMELESS: Final = 0.3
"""How many of the assignments that were given by hand do not say by whom."""


def draw_switches(rng: random.Random) -> tuple[BillingSwitches, GraphSwitches]:
    """How the questions are answered that nobody outside Microsoft can answer."""

    def one[T](*choices: T) -> T:
        return rng.choice(choices)

    slow = one(0.0, 0.0, 5.0, 30.0)
    billing = BillingSwitches(
        stranger=one("no-claims", "forbidden", "unauthorized"),
        check_access_answers=one(True, False),
        create_status=one(200, 200, 202),
        create_seconds=one(1.0, 5.0, 25.0),
        create_polls=one(0, 0, 2),
        create_retry_after_seconds=one(1, 5),
        duplicate=one("existing", "conflict"),
        created_by_service_principal=one("object-id", "object-id", "object-id", "absent", "empty"),
        whole_second_timestamps=one(True, False),
        unknown_principal_status=one(400, 404),
        grants_visible_after_seconds=slow,
        revokes_visible_after_seconds=one(0.0, slow),
        last_owner_status=one(400, 403),
        update_status=one(200, 201, 202),
        update_seconds=one(1.0, 10.0, 25.0),
        update_polls=one(0, 0, 1),
        update_retry_after_seconds=one(1, 10),
        update_replaces=one(True, False),
        read_only_refused=one(True, False),
        tags_in=one("envelope", "properties"),
        operation_kept_seconds=one(60.0, 3600.0),
        operation_results_under=one("account", "profile"),
        signed_locations=one(True, False),
        page_size=one(1, 2, 50, 50),
        empty_first_page=one(False, False, True),
        assignments_honour_top=one(True, False),
        undocumented_query=one("refused", "ignored"),
        duplicate_role_definitions=one(True, False),
        basic_purchaser=one(True, False),
        unmanaged_profiles=one("unprocessable", "readable"),
        throttled_with_retry_after=one(True, False),
        reads_bucket=one(250, 250, 60),
        writes_bucket=one(200, 200, 5),
        writes_per_second=one(10.0, 10.0, 0.2),
        error_bodies=one("bare", "wrapped"),
        assignments_on_one_page=one(True, False),
        next_links=one("relative", "absolute"),
        total_count=one(True, False),
    )
    graph = GraphSwitches(
        replica_lag_seconds=one(0.0, 0.0, 5.0, 60.0, 150.0),
        null_is_comparable=one(True, False),
        page_only_filters=one(True, False),
        cast_needs_advanced=one(True, False),
        deleted_select_needs_cast=one(True, False),
        most_or_clauses=one(15, 10, None),
        longest_advanced_url=one(2048, None),
        empty_pages=one(False, False, True),
        page_token_lifetime_seconds=one(None, None, 300.0),
        throttle=one(False, False, True),
        resource_units_per_10_seconds=one(None, 60),
        retry_after_seconds=one(0, 1, 10, None),
    )
    return billing, graph


def person_id(number: int) -> str:
    """The object id of a person who is there from the beginning."""
    return guid(3, _PERSON_ID + number)


def draw_world(rng: random.Random, people: int) -> dict[str, Any]:
    """The small company with other people in it, and some profiles opted out, renamed or disabled."""
    drawn = world()
    companies = [*COMPANIES, "Nowhere"]
    named = drawn["users"]
    named[1:3] = []  # two of Finance, who are drawn instead
    for number in range(people):
        kind = rng.random()
        more: dict[str, Any] = {"employeeId": f"E{number + 10}"}
        if kind < 0.1:
            more["userType"] = "Guest"
        if rng.random() < 0.3:
            more["jobTitle"] = rng.choice(("Auditor", "Controller"))
        department = rng.choice(("Finance", "Finance", "Finance", "Sales", None))
        named.append(user(person_id(number), f"person{number}", rng.choice(companies), department, **more))
    for number in range(people):
        if rng.random() < 0.25:
            drawn["groups"][0]["members"].append(person_id(number))
    assert drawn["groups"][0]["id"] == TREASURY, "the group that rules name"
    for account in drawn["billingAccounts"]:
        for profile in account.get("billingProfiles", ()):
            _vary(rng, profile, people)
    return drawn


def _vary(rng: random.Random, profile: dict[str, Any], people: int) -> None:
    """A profile may be opted out, or not say; somebody may have been given it by hand."""
    if rng.random() < 0.3:
        profile["properties"]["invoiceEmailOptIn"] = False
    elif rng.random() < 0.1:
        del profile["properties"]["invoiceEmailOptIn"]
    if rng.random() < 0.2:
        by: dict[str, Any] = {"createdByPrincipalId": None} if rng.random() < _NAMELESS else {}
        profile["billingRoleAssignments"].append(by_hand(person_id(rng.randrange(people)), **by))
    if rng.random() < _OF_NOBODY:
        role = rng.choice((INVOICE_MANAGER, "Billing profile reader"))
        profile["billingRoleAssignments"].append({"principalType": "Everyone", "role": role})
