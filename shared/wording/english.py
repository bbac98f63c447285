"""The English words of every reason. How facts are filled in says `say`."""

from collections.abc import Mapping
from typing import Final

from shared.domain.reasons import Code

ENGLISH: Final[Mapping[Code, str]] = {
    Code.SAID: "{said}",
    # -- where a person stands with the company
    Code.EMPLOYED: "employed",
    Code.DELETED: "the directory keeps them as deleted",
    Code.ACCOUNT_DISABLED: "the account is disabled",
    Code.DISABLED_UNTIL_HIRE_DATE: "the account is disabled until the hire date ({hired:time})",
    Code.HIRE_DATE_TO_COME: "the hire date is to come ({hired:time})",
    Code.LEAVE_DATE_PAST: "the leave date is past ({left:time})",
    Code.NOT_IN_DIRECTORY: "neither the directory nor its deleted items know them",
    Code.PERSON_UNREADABLE: "what the directory holds of them cannot be read ({said}): nothing is concluded",
}
