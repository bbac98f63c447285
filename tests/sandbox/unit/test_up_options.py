from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from sandbox.settings import (
    STANDARD_POLICY,
    Mode,
    Options,
    Places,
    app_settings,
    effective_policy,
    overruled,
    standard_queues,
)
from sandbox.up import StartError, main, read_arguments, running

POLICY = """\
# who sees what
version: 1
enforce: none   # for now
rules:
  - name: one
    who: "department eq 'Finance'"
    profiles: [{ name: "A" }]
"""


@pytest.mark.parametrize(
    ("mode", "line"),
    [(Mode.ENFORCE, "enforce: all   # for now"), (Mode.OBSERVE, "enforce: none   # for now")],
)
def test_the_mode_changes_one_word_of_the_policy_and_no_line_moves(mode: Mode, line: str) -> None:
    changed = effective_policy(POLICY.encode(), mode).decode().splitlines()
    assert changed[2] == line
    assert [each for number, each in enumerate(changed) if number != 2] == [
        each for number, each in enumerate(POLICY.splitlines()) if number != 2
    ]


@pytest.mark.parametrize(
    ("written", "mode", "meant"),
    [
        ("enforce: [{ name: 'Contoso*' }]", Mode.ENFORCE, [{"name": "Contoso*"}]),
        ("enforce: [{ name: 'Contoso*' }]", Mode.OBSERVE, "none"),
        ("enforce:\n  - name: A\n  - name: B", Mode.OBSERVE, "none"),
        ("enforce: 'none'", Mode.ENFORCE, "all"),
        ("", Mode.ENFORCE, "all"),
        ("", Mode.OBSERVE, "none"),
    ],
)
def test_selected_profiles_are_kept_when_enforcing_and_given_up_when_observing(
    written: str, mode: Mode, meant: object
) -> None:
    changed = effective_policy(f"version: 1\n{written}\nrules: []\n".encode(), mode).decode()
    assert YAML(typ="safe", pure=True).load(changed) == {"version": 1, "enforce": meant, "rules": []}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "written",
    [
        "",
        "enforce: none\n",
        "enforce: [{ name: A },\n   { name: B }]   # two\n",
        "enforce:\n  - name: A\n  # and\n  - name: B\n",
    ],
    ids=["none", "word", "list", "block"],
)
def test_no_line_or_column_of_anything_else_moves(written: str, mode: Mode) -> None:
    rest = "rules:\n    - name: odd indent\n      who: \"jobtitel eq 'x'\"\n      profiles: all"
    for policy in (f"version: 1\n{written}{rest}\n", f"version: 1\n{rest}\n{written}", f"version: 1\n{written}{rest}"):
        changed = effective_policy(policy.encode(), mode).decode().splitlines()
        for number, line in enumerate(policy.splitlines()):
            if line in rest.splitlines() or line == "version: 1":
                assert changed[number] == line


@pytest.mark.parametrize(
    "policy", ["{version: 1, rules: []}", "version: 1\nrules: []\n...\n", "  version: 1\n  rules: []\n"]
)
def test_a_policy_of_another_form_gets_its_enforce_as_well(policy: str) -> None:
    changed = YAML(typ="safe", pure=True).load(effective_policy(policy.encode(), Mode.ENFORCE).decode())
    assert changed == {"version": 1, "rules": [], "enforce": "all"}


@pytest.mark.parametrize("policy", [b"enforce: [", b"enforce: none\nenforce: all\n", b"- 1\n", b"\xff\xfe", b""])
def test_what_is_no_policy_is_left_for_the_app_to_refuse(policy: bytes) -> None:
    assert effective_policy(policy, Mode.ENFORCE) == policy


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("written", ["maybe", "5", "[]", "", "{ all: none }", "None"])
def test_an_enforce_that_is_a_mistake_is_left_for_the_app_to_refuse(written: str, mode: Mode) -> None:
    policy = f"version: 1\nenforce: {written}\nrules: []\n".encode()
    assert effective_policy(policy, mode) == policy
    assert overruled(policy, mode) is None


@pytest.mark.parametrize(
    ("policy", "mode", "said"),
    [
        ("enforce: none", Mode.ENFORCE, "the policy says enforce: none; --mode made it all"),
        ("enforce: all", Mode.OBSERVE, "the policy says enforce: all; --mode made it none"),
        ("enforce: [{ name: A }]", Mode.OBSERVE, "the policy says enforce: a list; --mode made it none"),
        ("enforce: [{ name: A }]", Mode.ENFORCE, None),
        ("enforce: all", Mode.ENFORCE, None),
        ("version: 1", Mode.ENFORCE, None),
        ("version: 1", Mode.OBSERVE, None),
        ("enforce: [", Mode.ENFORCE, None),
    ],
)
def test_a_value_that_the_mode_overrules_is_told(policy: str, mode: Mode, said: str | None) -> None:
    assert overruled(policy.encode(), mode) == said


def test_the_standard_policy_enforces() -> None:
    assert effective_policy(STANDARD_POLICY.read_bytes(), Mode.ENFORCE) == STANDARD_POLICY.read_bytes()


def test_own_settings_replace_the_standard_ones() -> None:
    places = Places(
        service_bus="127.0.0.1:1",
        arm="http://127.0.0.1:2",
        graph="http://127.0.0.1:3",
        identity="http://127.0.0.1:4",
        policy=Path("/p.yaml"),
        ledger=Path("/l.sqlite"),
    )
    settings = app_settings(places, client_id="me", identity_header="h", own={"SWEEP_SCHEDULE": "never", "X": "1"})
    assert settings["SWEEP_SCHEDULE"] == "never"
    assert settings["X"] == "1"
    assert settings["INVOICE_ACCESS_STORE"] == "sqlite:/l.sqlite"
    assert settings["AZURE_CLIENT_ID"] == settings["ServiceBusConnection__clientId"] == "me"


def test_the_standard_queues_are_those_of_a_deployment() -> None:
    sessions = {queue.name: queue.requires_session for queue in standard_queues()}
    assert sessions == {"people-events": False, "access-work": True, "rejected-events": False}


def test_arguments_become_options(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1")
    options = read_arguments(
        [
            *("--policy", str(policy), "--mode", "observe", "--latency", "arm=80ms,graph=0.5s"),
            "--notifications",
            *("--set", "A=1", "--set", "B=x=y", "--state", str(tmp_path)),
            *("--switch", "arm.error_bodies=wrapped", "--switch", "arm.page_size=2"),
        ]
    )
    assert options.policy == policy
    assert options.mode is Mode.OBSERVE
    assert options.latency_seconds == {"arm": pytest.approx(0.08), "graph": 0.5}
    assert options.app
    assert not read_arguments(["--no-app"]).app
    assert not read_arguments(["--no-app", "--notifications", "--policy", __file__]).notifications
    assert options.notifications
    assert not read_arguments([]).notifications
    assert options.settings == {"A": "1", "B": "x=y"}
    assert options.switches == {"arm.error_bodies": "wrapped", "arm.page_size": 2}


@pytest.mark.parametrize(
    ("switches", "said"),
    [
        ({"arm.error_body": "bare"}, "arm has no switch 'error_body'; it has: error_bodies"),
        ({"billing.error_bodies": "bare"}, "no stand-in 'billing' has switches"),
        ({"arm.error_bodies": "naked"}, "arm.error_bodies cannot be 'naked': Input should be 'bare' or 'wrapped'"),
    ],
)
async def test_a_switch_that_cannot_be_turned_so_is_told_before_anything_runs(
    switches: dict[str, Any], said: str
) -> None:
    with pytest.raises(StartError, match="--switch") as caught:
        async with running(Options(app=False, switches=switches)):
            raise AssertionError("it started")
    assert said in str(caught.value)


async def test_a_stand_in_answers_as_its_switches_say() -> None:
    async with running(Options(app=False, switches={"arm.error_bodies": "wrapped"})) as sandbox:
        assert sandbox.billing.switches.error_bodies == "wrapped"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mode", "dry"], ["--mode", "'dry'", "observe or enforce"]),
        (["--latency", "arm=80"], ["--latency", "arm=80ms"]),
        (["--latency", "bus=80ms"], ["--latency", "'bus=80ms'"]),
        (["--latency", "arm=nanms"], ["--latency", "arm=nanms"]),
        (["--set", "NAME"], ["--set", "NAME=VALUE"]),
        (["--switch", "arm.error_bodies"], ["--switch", "arm.NAME=VALUE"]),
        (["--switch", "error_bodies=bare"], ["--switch", "arm.NAME=VALUE"]),
        (["--world", "nowhere.json"], ["--world", "nowhere.json"]),
        (["--policy", "nowhere.yaml"], ["--policy", "existing"]),
        (["--queues", "nowhere.json"], ["--queues", "existing"]),
        (["--polcy", "x"], ["--polcy"]),
        (["stray"], ["stray"]),
    ],
)
def test_a_bad_argument_is_one_line_that_names_it_and_status_2(
    arguments: list[str], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_arguments(arguments)
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    for part in said:
        assert part in captured.err


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("--world", '{"tenantId": "x"}', ["--world", "tenantId", "GUID"]),
        ("--queues", '{"UserConfig": {}}', ["--queues", "Namespaces"]),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_mistakes_and_status_2(
    tmp_path: Path, option: str, content: str, said: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    assert main([option, str(path), "--no-app", "--state", str(tmp_path)]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    for part in said:
        assert part in captured.err
