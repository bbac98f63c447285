"""`policy`: the policy file, before it is deployed and after."""

from pathlib import Path
from typing import Annotated

import typer

from cli.command import command, noun
from cli.options import Snapshot
from cli.out import Out

app = noun()

_File = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", show_default=False, help="The policy; else the one that the app reads."),
]


@command(app, "check")
def check(out: Out, file: _File = None) -> int:
    """Lists every mistake with line and column, and warns of names that nothing has; exits with 3 for mistakes.

    Names are compared with what the last full check saw, where INVOICE_ACCESS_STORE says where the app's store is.
    """
    from cli.policy import check_policy

    return out.answer(check_policy(file))


@command(app, "test")
def try_examples(out: Out, file: _File = None, *, snapshot: Snapshot = None) -> int:
    """Judges the file's own examples (`tests:`); exit code 3 where one does not hold: docs/reference/policy.md."""
    from cli.policy import check_policy, read
    from cli.policy_examples import judge

    policy = read(file)
    return out.answer(check_policy(file) if policy is None else judge(policy, snapshot))


@command(app, "explain")
def explain(
    out: Out,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's name.")],
    file: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", show_default=False, help="Of this policy.")
    ] = None,
    *,
    snapshot: Snapshot = None,
) -> int:
    """Says whom a rule matches among the people whom the last full check saw, and what each gets by it."""
    from cli.policy import check_policy, read
    from cli.policy_explain import explain_rule

    policy = read(file)
    return out.answer(check_policy(file) if policy is None else explain_rule(policy, rule, snapshot))
