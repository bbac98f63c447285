"""What the attributes of a person that a policy can test are called, for each language of the page and of notices.

Lives here: the names. The command line, JSON and the record call them as Microsoft Graph does.
"""

from collections.abc import Mapping
from typing import Final

ATTRIBUTES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "accountEnabled": "account enabled",
        "city": "city",
        "companyName": "company",
        "country": "country",
        "department": "department",
        "displayName": "name",
        "employeeHireDate": "hire date",
        "employeeId": "employee number",
        "employeeLeaveDateTime": "leave date",
        "employeeType": "kind of employee",
        "jobTitle": "job title",
        "mail": "address",
        "memberOf": "group",
        "officeLocation": "office",
        "userPrincipalName": "user name",
        "userType": "kind of account",
    },
    "nl": {
        "accountEnabled": "account ingeschakeld",
        "city": "plaats",
        "companyName": "bedrijf",
        "country": "land",
        "department": "afdeling",
        "displayName": "naam",
        "employeeHireDate": "datum in dienst",
        "employeeId": "personeelsnummer",
        "employeeLeaveDateTime": "datum uit dienst",
        "employeeType": "soort medewerker",
        "jobTitle": "functie",
        "mail": "adres",
        "memberOf": "groep",
        "officeLocation": "kantoor",
        "userPrincipalName": "gebruikersnaam",
        "userType": "soort account",
    },
    "sv": {
        "accountEnabled": "konto aktiverat",
        "city": "ort",
        "companyName": "företag",
        "country": "land",
        "department": "avdelning",
        "displayName": "namn",
        "employeeHireDate": "anställningsdatum",
        "employeeId": "anställningsnummer",
        "employeeLeaveDateTime": "slutdatum",
        "employeeType": "typ av anställd",
        "jobTitle": "befattning",
        "mail": "adress",
        "memberOf": "grupp",
        "officeLocation": "kontor",
        "userPrincipalName": "användarnamn",
        "userType": "typ av konto",
    },
}
