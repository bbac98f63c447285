"""A check's record that is too long: what goes first, and what is left in the end."""

from dataclasses import fields, replace

from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import Note, NoteKind
from shared.domain.history.checks import CheckBody, Ended, ManagedRow, Next, Step, Told, cuts
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.domain.work import Cause, CauseKind

ONE, TWO, THREE = (ProfileKey("a", str(number)) for number in range(1, 4))
RECORD = CheckBody.of(
    Told(
        why=Code.SAID(said="x" * 900),
        wanted={ONE: ("rule",), TWO: ("rule",)},
        read=(ONE, TWO, THREE),
        held={},
        actions=(Ended(Step.GRANT, Outcome.DONE, Code.GIVEN_BY(rules=("r",)), "", ONE),),
    ),
    Cause(CauseKind.EVENT, "/hr#1"),
    Outcome.DONE,
    3,
    (Next(CauseKind.SETTLE),),
)


def changed(short: CheckBody) -> set[str]:
    return {one.name for one in fields(short) if getattr(short, one.name) != getattr(RECORD, one.name)}


def test_what_can_be_read_again_goes_before_what_was_done() -> None:
    assert [changed(short) - {"why", "shortened"} for short in cuts(RECORD)] == [
        {"wanted"},
        {"wanted", "read"},
        {"wanted", "read", "held"},
        {"wanted", "read", "held", "actions"},
        {"wanted", "read", "held", "actions", "next"},
    ]


def test_the_record_says_what_is_gone_and_how_much_it_was() -> None:
    *_, last = cuts(RECORD)
    assert last.shortened == {"wanted": 2, "read": 3, "held": 0, "actions": 1, "next": 1}
    assert (last.read, last.held) == (None, None), "it does not say that nothing was read"


def test_what_is_left_in_the_end_is_short() -> None:
    """Whatever a check may tell much of goes in the end; a field that is new and stays is found here."""
    much = 10_000
    row = ManagedRow(OwnershipBasis.INTENT, ("rule",), None)
    long = replace(
        RECORD,
        why=Code.SAID(said="x" * 10_000_000),
        alert=Code.TOGETHER(reasons=(Code.SAID(said="x" * 10_000_000),) * 1000),
        held={ProfileKey("a", str(number)): row for number in range(much)},
        adopted=(ONE,) * much,
        notes=(Note(NoteKind.UNMANAGED, Code.ANOTHER_ROLE(), ONE),) * much,
        changed=("x",) * much,
        changed_by_others=("x",) * much,
        found=("x",) * much,
    )
    *_, last = cuts(long)
    assert len(str(last)) < 3_000
