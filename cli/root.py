"""Every verb and noun of the command line, by its name: a line each, whose module is `cli.verbs.<name>`."""

from typing import Final

from cli.command import HELP, Lazy

SECTIONS: Final = (
    (
        "Questions",
        (
            ("status", "whether every invoice will be mailed, and what needs a person"),
            ("plan", "what the next full check would do, or what another policy would"),
            ("who", "who receives a profile's next invoice, and how each got there"),
            ("why", "why somebody has access or not, and what would change it"),
            ("doctor", "what a new deployment gets wrong, each with its mend"),
            ("pauses", "what stops writes now"),
            ("report", "the latest full check in all its figures"),
        ),
    ),
    (
        "Things",
        (
            ("profiles", "every billing profile: list, show"),
            ("people", "everybody whom a rule lists or who has a role: list, show, find"),
            ("holds", "what waits for a decision: list, show, release, dismiss, log"),
            ("policy", "who gets what: check, test, explain"),
            ("events", "what asks for checks, and what was rejected: send, rejected, dead"),
            ("ledger", "the record of everything: verify, show"),
            ("export", "answers to take away: access, view"),
        ),
    ),
    (
        "Deeds",
        (
            ("adopt", "have the app manage what somebody else gave"),
            ("apply", "make the changes of a plan that was reviewed, and no others"),
            ("reconcile", "have people checked now: what the policy says is done"),
            ("pause", "stop every write to Azure, or those on one part"),
            ("resume", "end every pause, or those of one part"),
            ("setup", "what has to be done once in a tenant: permissions"),
        ),
    ),
    ("Other", (("completion", "a script that completes names in your shell"), ("version", "which version this is"))),
)

ROOT: Final = Lazy(
    SECTIONS,
    name="invoice-access",
    help="Who receives which invoice of Azure, why, and what waits for a person.",
    subcommand_metavar="COMMAND ...",
    context_settings={"help_option_names": [*HELP]},
)
