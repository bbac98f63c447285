"""What processes hear: answers of the stand-ins, as the process gets them, turned into what its run was told.

Lives here: reading requests and answers. What follows from them is the promises' business.
"""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from sandbox.wire import Request, Response
from shared.domain.keys import ProfileKey
from shared.domain.people import SELECT
from tests.simulation.engine.book import RUN, Run
from tests.simulation.engine.case import Case
from tests.simulation.engine.place import Named
from tests.simulation.engine.world import ARM, GRAPH

_NOT_FOUND: Final = "request_resourcenotfound"
_SHOWN: Final = 110
_SERVICES_HEADERS: Final = frozenset({"x-ms-service-version", "api-supported-versions"})


def hear(case: Case, process: Named, target: str, request: Request, response: Response) -> None:
    """Notes what a process was answered, and to which question."""
    run = RUN.get()
    lost = " (answer lost)" if response.hang_up else ""
    slow = f" after {response.delay_seconds:g} s" if response.delay_seconds else ""
    path = unquote(request.target.partition("?")[0])
    case.book.say(process.name, f"{target} {request.method} {path[-_SHOWN:]} -> {response.status}{lost}{slow}")
    _foreign_host(case, request)
    if run is None:
        return
    _answered(run, request, response)
    if response.hang_up:
        return
    if target == "arm" and _is_refusal(response):
        run.refused = path[-_SHOWN:]
    if target == "graph" and run.function == "sweep" and request.method == "GET" and response.status == 200:
        _heard_list(run, path, _parsed(response.body))
    if target == "graph":
        _heard_graph(run, request, response)
    elif request.method == "GET" and response.status == 200:
        parts = [part for part in path.split("/") if part]
        if len(parts) == 6 and parts[4].lower() == "billingprofiles":
            key = ProfileKey(parts[3], parts[5])
            run.profiles_read[key] = (process.clock.peek(), case.world.now(), _parsed(response.body))
    if target == "arm":
        _heard_row(run, request, response)


def _foreign_host(case: Case, request: Request) -> None:
    """A token goes to the service that it is for, whatever address an answer named."""
    if request.base not in {ARM, GRAPH} and request.headers.get("authorization"):
        case.book.violate("tokens_stay_home", f"{request.method} to {request.base} carries a token")


def _answered(run: Run, request: Request, response: Response) -> None:
    """Keeps account of what a sweep asked for in vain."""
    if run.function != "sweep":
        return
    gone = response.status == 404 and _code(_parsed(response.body)) == _NOT_FOUND
    if not response.hang_up and (response.status == 200 or gone):
        run.unanswered.pop(request.target, None)
    else:
        run.unanswered[request.target] = _is_refusal(response)


def _is_refusal(response: Response) -> bool:
    """Whether billing says that we have no role there, in whatever words. What it says to a token is another matter."""
    if response.status != 401:
        return response.status == 403
    body = _parsed(response.body)
    code = _code(body) or (str(body.get("code", "")).lower() if isinstance(body, dict) else "")
    is_services = bool(code) or any(name.lower() in _SERVICES_HEADERS for name in response.headers)
    challenge = response.headers.get("www-authenticate", "").lower()
    return is_services and "token" not in code and "authenticationfailed" not in code and "invalid" not in challenge


def _heard_list(run: Run, path: str, body: Any) -> None:
    """Keeps account of whom a sweep was told of."""
    rows = body.get("value") if isinstance(body, dict) else None
    people = {str(row["id"]): row for row in rows or () if isinstance(row, dict) and "id" in row}
    match [part for part in path.split("/") if part][1:]:
        case ["users"]:
            _heard_people(run, people)
        case ["groups", group, "transitiveMembers", *_]:
            _heard_people(run, people)
            run.members.setdefault(group, set()).update(people)


def _heard_people(run: Run, people: Mapping[str, dict[str, Any]]) -> None:
    """Who is cut short in one list cannot be read, whatever another list shows of them."""
    for person, shown in people.items():
        before = run.listed.get(person)
        if before is None or before.keys() >= set(SELECT):
            run.listed[person] = shown


def _heard_row(run: Run, request: Request, response: Response) -> None:
    parts = [part for part in unquote(request.path).split("/") if part]
    if request.method != "GET" or len(parts) != 8 or parts[6].lower() != "billingroleassignments":
        return
    key, body = ProfileKey(parts[3], parts[5]), _parsed(response.body)
    if response.status == 200 and isinstance(body, dict):
        properties = body.get("properties", {})
        run.rows_read[key] = (True, properties.get("createdByPrincipalId"))
        run.rows_made[key] = str(properties.get("createdOn", ""))
    elif response.status == 404 and isinstance(body, dict):
        run.rows_read[key] = (False, None)


def _heard_graph(run: Run, request: Request, response: Response) -> None:
    parts = [part for part in unquote(request.path).split("/") if part][1:]
    person = run.key.removeprefix("person:")
    if person == run.key or person not in parts:
        return
    if run.asked_at is None:
        run.asked_at = run.clock_reads[-1]
    body = _parsed(response.body)
    missing = response.status == 404 and _code(body) == _NOT_FOUND
    heard = run.heard
    match parts:
        case ["users", _]:
            selected = parse_qs(request.query).get("$select", [""])[0].split(",")
            heard.user_missing = missing
            whole = response.status == 200 and isinstance(body, dict) and all(name in body for name in selected)
            heard.user = body if whole else None
        case ["users", _, "checkMemberGroups"]:
            if response.status == 200 and isinstance(body, dict) and isinstance(body.get("value"), list):
                asked = json.loads(request.body)["groupIds"]
                inside = {str(group).lower() for group in body["value"]}
                heard.groups |= {group: group in inside for group in asked}
        case ["directory", "deletedItems", *_]:
            if missing:
                heard.deleted = False
            elif response.status == 200 and isinstance(body, dict) and body.get("id") == person:
                heard.deleted = True


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _code(body: Any) -> str:
    return str(body["error"].get("code", "")).lower() if isinstance(body, dict) and "error" in body else ""
