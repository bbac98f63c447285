"""`doctor`."""

from cli.command import command, verbs
from cli.out import Out

app = verbs()


@command(app, "doctor")
def doctor(out: Out) -> int:
    """What a new deployment gets wrong, each with its mend. It reads, and changes nothing.

    It ends with 3 where something is to mend, else with 1 where something could not be read, else with 0.
    """
    from cli.doctor import answer_of

    return out.answer(answer_of())
