"""What a running sandbox tells to try fits its own world, and works in a shell that has read its environment."""

import subprocess
import sys
from pathlib import Path

from sandbox.contoso import STANDARD_WORLD
from sandbox.settings import shell_environment
from sandbox.trying import to_try
from sandbox.world import load_world, parse_world

WORLD = load_world(STANDARD_WORLD)


def test_at_contoso_five_commands_are_told_after_how_to_become_an_operator() -> None:
    reading, *commands = to_try(WORLD, Path("/a state/app.env"))
    assert reading == """set -a; . '/a state/app.env'; set +a; export AZURE_CLIENT_ID="$SIGN_IN_FELIX_SMIT\""""
    assert commands == [
        "invoice-access status",
        'invoice-access who "Contoso UK"',
        'invoice-access why E00175 "Contoso UK"',
        "invoice-access plan",
        "invoice-access holds",
    ]


def test_in_another_world_they_are_about_somebody_of_it() -> None:
    world = parse_world(
        {
            "users": [{"id": "00000000-0000-4000-8000-000000000001", "userPrincipalName": "femke@contoso.example"}],
            "billingAccounts": [
                {"name": "a", "billingProfiles": [{"name": "P", "properties": {"displayName": "Mine"}}]}
            ],
        }
    )
    reading, _, who, why, *_ = to_try(world, Path("app.env"))
    assert reading == "set -a; . app.env; set +a"
    assert (who, why) == ('invoice-access who "Mine"', 'invoice-access why femke@contoso.example "Mine"')


def test_the_command_line_is_on_the_path_of_a_shell_that_read_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "app.env"
    file.write_text(shell_environment({"A": "1"}, WORLD.people_signing_in()))
    script = f'set -a; . {file}; set +a; export AZURE_CLIENT_ID="$SIGN_IN_FELIX_SMIT"; echo "$PATH"; command -v ls'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout  # noqa: S603, S607
    path, ls = said.splitlines()
    assert path.split(":")[0] == str(Path(sys.executable).parent)
    assert ls.endswith("/ls")
