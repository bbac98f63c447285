"""The employers of the standard world.

Lives here: companies, and the family names that are usual where they are. Each has a billing profile of its
name.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Company:
    """An employer, which is what the companyName of its people and the `company` tag of its profile say."""

    name: str
    domain: str
    country: str
    city: str
    language: str
    surnames: tuple[str, ...]

    @property
    def region(self) -> str:
        """The country's two letters, from the language tag."""
        return self.language.partition("-")[2]


_DUTCH: Final = (
    "de Vries",
    "Jansen",
    "Bakker",
    "Smit",
    "Meijer",
    "Mulder",
    "Bos",
    "Dekker",
    "Vos",
    "Hoekstra",
)
_GERMAN: Final = ("Müller", "Schmidt", "Fischer", "Wagner", "Becker", "Hoffmann", "Koch", "Richter", "Klein")
_FRENCH: Final = ("Bernard", "Dubois", "Moreau", "Laurent", "Lefèvre", "Roux", "Fournier", "Girard", "Bonnet")
_ENGLISH: Final = (
    "Jones",
    "Brown",
    "Wilson",
    "Evans",
    "Walker",
    "Wright",
    "Hughes",
    "Green",
    "Clarke",
    "Reid",
)
_NORDIC: Final = (
    "Nielsen",
    "Johansson",
    "Larsen",
    "Lindqvist",
    "Virtanen",
    "Berg",
    "Sørensen",
    "Olsen",
    "Holm",
)
_POLISH: Final = ("Nowak", "Kowalski", "Wiśniewska", "Wójcik", "Kamiński", "Zielińska", "Mazur", "Krawczyk")
_BELGIAN: Final = (
    "Janssens",
    "Maes",
    "Jacobs",
    "Willems",
    "Claes",
    "Goossens",
    "Wouters",
    "Dubois",
    "Lambert",
)

COMPANIES: Final = (
    Company("Contoso Nederland", "contoso.example", "Netherlands", "Utrecht", "nl-NL", _DUTCH),
    Company("Contoso Deutschland", "contoso.example", "Germany", "Hamburg", "de-DE", _GERMAN),
    Company("Contoso France", "contoso.example", "France", "Lyon", "fr-FR", _FRENCH),
    Company("Contoso UK", "contoso.example", "United Kingdom", "Leeds", "en-GB", _ENGLISH),
    Company("Contoso België", "contoso.example", "Belgium", "Antwerpen", "nl-BE", _BELGIAN),
    Company("Contoso Shared Services", "contoso.example", "Netherlands", "Amsterdam", "nl-NL", _DUTCH),
    Company("Fabrikam Nederland", "fabrikam.example", "Netherlands", "Eindhoven", "nl-NL", _DUTCH),
    Company("Fabrikam Deutschland", "fabrikam.example", "Germany", "München", "de-DE", _GERMAN),
    Company("Fabrikam Nordics", "fabrikam.example", "Denmark", "Aarhus", "da-DK", _NORDIC),
    Company("Fabrikam Schweiz", "fabrikam.example", "Switzerland", "Bern", "de-CH", _GERMAN),
    Company("Litware Services", "litware.example", "Ireland", "Cork", "en-IE", _ENGLISH),
    Company("Litware Polska", "litware.example", "Poland", "Gdańsk", "pl-PL", _POLISH),
)
"""The employers, each with a billing profile of the same name."""
