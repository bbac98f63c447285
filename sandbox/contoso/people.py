"""The people of the standard world: a fixed roster that stories are about, and colleagues made from a seed.

Lives here: users as Graph writes them. Groups and billing are other rooms.
"""

import random
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from sandbox.contoso import names
from sandbox.contoso.companies import COMPANIES, Company

PEOPLE_PER_COMPANY: Final = 25
"""Colleagues of one company, the roster's among them: 300 in twelve companies."""


_GIVEN_NAMES: Final = (
    *(
        "Anna",
        "Bram",
        "Chloé",
        "David",
        "Eva",
        "Felix",
        "Greta",
        "Hugo",
        "Iris",
        "Jonas",
        "Karin",
        "Lars",
        "Maria",
    ),
    *(
        "Noah",
        "Olivia",
        "Pieter",
        "Quentin",
        "Rosa",
        "Stefan",
        "Tessa",
        "Ulrich",
        "Vera",
        "Willem",
        "Yara",
        "Zoë",
    ),
    *("Adam", "Birgit", "Camille", "Dirk", "Emma", "Freya", "Gijs", "Hanna", "Ivo", "Julia", "Kees", "Lotte"),
)

_FINANCE: Final = ("Accounts payable clerk", "Accounts payable clerk", "Controller", "Financial analyst")
"""What every company has in Finance whoever else works there: three of them handle invoices."""

_ELSEWHERE: Final = (
    ("Sales", "Account manager"),
    ("Sales", "Sales representative"),
    ("IT", "System engineer"),
    ("IT", "Developer"),
    ("Human Resources", "HR adviser"),
    ("Operations", "Planner"),
    ("Operations", "Technician"),
    ("Marketing", "Communications officer"),
    ("Legal", "Counsel"),
    ("Finance", "Payroll officer"),
)

_ROSTER: Final = (
    (names.FEMKE_DE_BOER, "Femke", "de Boer", "Contoso Nederland", "Finance", "Accounts payable clerk"),
    (names.JAN_VISSER, "Jan", "Visser", "Contoso Nederland", "Finance", "Controller"),
    (names.LUKAS_WEBER, "Lukas", "Weber", "Contoso Deutschland", "Finance", "Accounts payable clerk"),
    (names.CLAIRE_MARTIN, "Claire", "Martin", "Contoso France", "Finance", "Controller"),
    (names.OLIVER_SMITH, "Oliver", "Smith", "Contoso UK", "Sales", "Account manager"),
    (names.ANOUK_PEETERS, "Anouk", "Peeters", "Contoso België", "Finance", "Accounts payable clerk"),
    (names.BREAK_GLASS, "Break", "Glass", None, None, None),
    (names.GRACE_TAYLOR, "Grace", "Taylor", "Contoso UK", "Finance", "Controller"),
    (names.SANNE_BAKKER, "Sanne", "Bakker", "Contoso Shared Services", "Finance", "Treasurer"),
    (names.MIKKEL_HANSEN, "Mikkel", "Hansen", "Fabrikam Nordics", "Finance", "Finance director"),
)

_HOME: Final = "contoso.example"
_FIRST_HIRES: Final = date(2006, 1, 2)
_HIRING_DAYS: Final = 7_000
_FIRST_COLLEAGUE: Final = 101


def people(seed: int) -> list[dict[str, Any]]:
    """Everybody in the directory: the roster first, then colleagues by company, then guests."""
    writer = _Writer(random.Random(seed))
    by_name = {company.name: company for company in COMPANIES}
    found = [
        writer.person(
            object_id,
            number,
            (given, surname),
            company=by_name.get(company or ""),
            department=department,
            title=title,
        )
        for number, (object_id, given, surname, company, department, title) in enumerate(_ROSTER, start=1)
    ]
    for user in found:
        if user["id"] == names.GRACE_TAYLOR:
            user |= {"accountEnabled": False, "employeeLeaveDateTime": "2025-06-30T22:00:00Z"}
        if user["id"] == names.BREAK_GLASS:
            for personal in ("employeeId", "employeeHireDate", "employeeType", "employeeOrgData"):
                del user[personal]
    at_work = Counter(str(user.get("companyName")) for user in found)
    number = _FIRST_COLLEAGUE
    for company in COMPANIES:
        for department, title in _jobs(writer.random, PEOPLE_PER_COMPANY - at_work[company.name]):
            object_id = f"b0a1d000-0000-4000-8000-{number:012d}"
            name = (writer.random.choice(_GIVEN_NAMES), writer.random.choice(company.surnames))
            found.append(writer.person(object_id, number, name, company=company, department=department, title=title))
            number += 1
    _make_some_uneven(found, writer.random)
    return [*found, *_guests()]


def deleted_people() -> list[dict[str, Any]]:
    """Who was deleted in the last weeks and is still in the deleted items."""
    gone = (
        (names.DELETED_CONTROLLER, "E08001", "Paul", "Renard", "Contoso France", "Finance", "Controller"),
        (
            _deleted(2),
            "E08002",
            "Heike",
            "Brandt",
            "Contoso Deutschland",
            "Finance",
            "Accounts payable clerk",
        ),
        (_deleted(3), "E08003", "Tom", "Ward", "Contoso UK", "Sales", "Account manager"),
        (_deleted(4), "E08004", "Ilse", "Mertens", "Contoso België", "IT", "Developer"),
    )
    return [
        {
            "id": object_id,
            "userPrincipalName": _address(given, surname, _HOME),
            "mail": _address(given, surname, _HOME),
            "displayName": f"{given} {surname}",
            "accountEnabled": False,
            "companyName": company,
            "department": department,
            "jobTitle": title,
            "employeeId": employee_id,
            "employeeHireDate": "2015-03-02T00:00:00Z",
            "employeeLeaveDateTime": "2026-01-31T23:00:00Z",
            "userType": "Member",
        }
        for object_id, employee_id, given, surname, company, department, title in gone
    ]


class _Writer:
    """Writes people down, minding that no two have one address."""

    def __init__(self, source: random.Random) -> None:
        self.random = source
        self._taken: set[str] = set()

    def person(
        self,
        object_id: str,
        number: int,
        name: tuple[str, str],
        *,
        company: Company | None,
        department: str | None,
        title: str | None,
    ) -> dict[str, Any]:
        given, surname = name
        domain = company.domain if company is not None else _HOME
        address = self._address(given, surname, domain)
        hired = _FIRST_HIRES + timedelta(days=self.random.randrange(_HIRING_DAYS))
        user: dict[str, Any] = {
            "id": object_id,
            "userPrincipalName": address,
            "mail": address,
            "mailNickname": address.partition("@")[0],
            "displayName": f"{given} {surname}",
            "givenName": given,
            "surname": surname,
            "accountEnabled": True,
            "userType": "Member",
            "createdDateTime": f"{hired - timedelta(days=10)}T09:00:00Z",
            "employeeId": f"E{number:05d}",
            "employeeHireDate": f"{hired}T00:00:00Z",
            "employeeType": "Employee",
            "employeeOrgData": {"costCenter": f"CC{100 + number % 40}", "division": domain.partition(".")[0]},
        }
        if company is not None:
            user |= {
                "companyName": company.name,
                "department": department,
                "jobTitle": title,
                "city": company.city,
                "country": company.country,
                "officeLocation": f"{company.city} HQ",
                "preferredLanguage": company.language,
                "usageLocation": company.region,
            }
        return user

    def _address(self, given: str, surname: str, domain: str) -> str:
        address = _address(given, surname, domain)
        local = address.partition("@")[0]
        again = 2
        while address in self._taken:
            address = f"{local}{again}@{domain}"
            again += 1
        self._taken.add(address)
        return address


def _jobs(source: random.Random, count: int) -> Iterator[tuple[str, str]]:
    """What the colleagues of one company do: Finance is always staffed, the rest is chance."""
    for title in _FINANCE:
        yield "Finance", title
    for _ in range(count - len(_FINANCE)):
        yield source.choice(_ELSEWHERE)


def _make_some_uneven(everybody: list[dict[str, Any]], source: random.Random) -> None:
    """Some leavers, contractors and blanks among those who handle no invoices: a directory is never tidy."""
    others = [user for user in everybody if user.get("department") not in {None, "Finance"}]
    uneven = source.sample([user for user in others if user["id"] != names.OLIVER_SMITH], 36)
    for user in uneven[:12]:
        user |= {"accountEnabled": False, "employeeLeaveDateTime": "2025-11-30T23:00:00Z"}
    for user in uneven[12:24]:
        user["employeeType"] = "Contractor"
    for user in uneven[24:30]:
        del user["companyName"]
    for user in uneven[30:]:
        del user["department"]
        del user["jobTitle"]


def _guests() -> list[dict[str, Any]]:
    guests = (
        (names.AUDITOR_GUEST, "Ines Castro", "ines.castro", "northwind.example", "Northwind Auditors", None),
        (names.FINANCE_GUEST, "Bas Kuiper", "bas.kuiper", "adatum.example", "Contoso Nederland", "Finance"),
        (_guest(3), "Raj Patel", "raj.patel", "adatum.example", "A. Datum", "IT"),
        (_guest(4), "Lena Frank", "lena.frank", "northwind.example", None, None),
    )
    found = []
    for object_id, name, local, domain, company, department in guests:
        user: dict[str, Any] = {
            "id": object_id,
            "userPrincipalName": f"{local}_{domain}#EXT#@{_HOME}",
            "mail": f"{local}@{domain}",
            "displayName": name,
            "accountEnabled": True,
            "userType": "Guest",
            "externalUserState": "Accepted",
            "creationType": "Invitation",
        }
        if company is not None:
            user["companyName"] = company
        if department is not None:
            user["department"] = department
        found.append(user)
    return found


def _address(given: str, surname: str, domain: str) -> str:
    plain = unicodedata.normalize("NFKD", f"{given}.{surname}").translate({ord("ø"): "o", ord("ł"): "l"})
    letters = plain.encode("ascii", "ignore").decode().lower().replace(" ", "")
    return f"{letters}@{domain}"


def _guest(number: int) -> str:
    return f"b0a1d000-0000-4000-8000-{9000 + number:012d}"


def _deleted(number: int) -> str:
    return f"b0a1d000-0000-4000-8000-{8000 + number:012d}"
