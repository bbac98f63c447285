"""`plan --policy FILE --snapshot FILE`: without Azure, as the workflow of a pull request runs it."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cli import snapshot_file
from cli.__main__ import main
from cli.faults import UsageError
from shared.adapters.store.state import RowsState
from shared.domain.access.plan import Employment
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import Person
from shared.domain.policy.load import load_policy
from shared.domain.reasons import Code
from shared.domain.snapshot import Snapshot, SnapshotPerson, SnapshotRow
from shared.domain.view import PeopleView, PersonView, ProfileView, RoleRow, View
from tests.app.unit.cli_desk import NOW, deployed

ROOT = Path(__file__).parents[4]
ANNA = "b0a1d000-0000-4000-8000-000000000001"
NL, DE = ProfileKey("A:1", "NL"), ProfileKey("A:1", "DE")
IN_FORCE = """
version: 1
accounts: all
enforce: all
rules:
  - name: finance
    who: "department eq 'Finance'"
    profiles: [{ name: "Contoso Nederland" }]
"""
CHANGED = (
    IN_FORCE
    + """  - name: payroll
    who: "department eq 'Payroll' or city eq 'Lyon'"
    profiles: [{ name: "Contoso Deutschland" }]
employment: { lead_days: 3 }
"""
)


def person(number: int, department: str) -> SnapshotPerson:
    return SnapshotPerson(
        id=f"00000000-0000-4000-8000-00000000000{number}",
        name=f"Person {number}",
        employment=Employment.EMPLOYED,
        attributes={"department": department},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a checkout of a pull request has."""
    (tmp_path / "in-force.yaml").write_text(IN_FORCE)
    (tmp_path / "policy.yaml").write_text(CHANGED)
    people = (person(1, "Finance"), person(2, "Payroll"), person(3, "Payroll"))
    row = SnapshotRow(
        profile=NL,
        principal=people[0].id,
        role="Invoice manager",
        principal_type="User",
        managed=True,
        rules=("finance",),
    )
    snapshot = Snapshot(
        as_of=datetime(2026, 3, 3, 8, tzinfo=UTC),
        complete=True,
        policy=load_policy(IN_FORCE).digest,
        named=False,
        attributes=frozenset({"department"}),
        accounts=(BillingAccount("A:1", "Contoso", "MicrosoftCustomerAgreement", "Active"),),
        profiles=(
            BillingProfile(NL, "Contoso Nederland", "Active", invoice_email_opt_in=True),
            BillingProfile(DE, "Contoso Deutschland", "Active", invoice_email_opt_in=True),
        ),
        rows=(row,),
        people=people,
    )
    snapshot_file.write(tmp_path / "policy-snapshot.json", snapshot)
    assert snapshot_file.read(tmp_path / "policy-snapshot.json") == snapshot
    return tmp_path


async def show(state: RowsState) -> None:
    """A full check has left its view."""
    held = RoleRow(principal=ANNA, role="Invoice manager", principal_type="User", managed=True, rules=("finance",))
    one = ProfileView(
        key=NL,
        name="Contoso Nederland",
        status="Active",
        opted_in=True,
        enforced=True,
        rows=(held,),
        seen=NOW,
    )
    view = View(
        sweep="1",
        as_of=NOW,
        complete=True,
        failures=(),
        policy_digest="d",
        time_zone="UTC",
        accounts=(),
        profiles=(one,),
    )
    read = Person(ANNA, True, "Member", None, NOW, {"department": "Finance", "mail": "anna@contoso.example"})
    seen = PersonView(
        object_id=ANNA, person=read, employment=Employment.EMPLOYED, employment_why=Code.EMPLOYED(), seen=NOW
    )
    await state.put_view(view, PeopleView(sweep="1", people=(seen,)))
    profile = BillingProfile(NL, "Contoso Nederland", "Active", invoice_email_opt_in=True)
    account = BillingAccount("A:1", "Contoso", "MicrosoftCustomerAgreement", "Active")
    await state.put_catalogue(Catalogue(NOW, (account,), (profile,), policy_digest="d", unknown_rules={}))


def test_a_view_is_exported_under_pseudonyms_unless_names_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store, file = deployed(tmp_path, monkeypatch), tmp_path / "view.json"
    assert main(["export", "view", "--out", str(file)]) == 1
    assert "no full check has left a view yet" in capsys.readouterr().err
    store.run(show)
    assert main(["export", "view", "--out", str(file)]) == 0
    assert "1 person under pseudonyms and 1 profile, as of 2026-03-02 09:00 UTC" in capsys.readouterr().out
    found = snapshot_file.read(file)
    assert found.people[0].attributes == {"department": "Finance"}
    assert (found.rows[0].principal, found.named) == (found.people[0].id, False)
    assert ANNA not in file.read_text()
    assert main(["export", "view", "--out", str(file), "--names"]) == 0
    assert snapshot_file.read(file).people[0].id == ANNA


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command of the workflow, on a machine that knows nothing of Azure."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("INVOICE_ACCESS_", "AZURE_"))}
    script = command.replace("invoice-access ", f"'{sys.executable}' -m cli ")
    environment = kept | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(  # noqa: S603 - the workflow's own command
        ["/bin/sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def step(name: str) -> str:
    workflow = YAML(typ="safe").load((ROOT / ".github" / "workflows" / "policy.yml").read_text())
    (found,) = [one["run"] for one in workflow["jobs"]["plan"]["steps"] if one.get("name") == name]
    return str(found)


def test_the_workflows_command_says_profiles_and_counts_and_nobody(folder: Path) -> None:
    done = shell(step("What it would change"), folder)
    assert (done.returncode, done.stderr) == (0, "")
    said = (folder / "planned.txt").read_text().splitlines()
    assert said[0] == "On a snapshot of 2026-03-03 08:00 UTC: reservations, pauses and holds are not in it."
    assert said[1:4] == [
        "  ! rule payroll tests city, which the snapshot has not: it gives nothing here",
        "  ! rules payroll may mean people whom no rule listed before: they are not in the snapshot",
        "  ! what employment.lead_days would change is not shown",
    ]
    assert ": rule payroll is new; employment.lead_days differs. 3 people and 2 profiles read, " in said[4]
    assert said[5:] == [
        "  Contoso Deutschland  2 to give, 0 to remove, 0 to turn on",
        "    Contoso Deutschland  0 recipients, then 2",
        "Plan: 2 to give, 0 to remove, 0 to turn on. 2 of 10 a day: nothing would wait.",
    ]
    assert "Person" not in "\n".join(said)


def test_without_counts_people_have_their_pseudonyms(folder: Path) -> None:
    done = shell(
        "INVOICE_ACCESS_POLICY=$PWD/in-force.yaml invoice-access plan --policy policy.yaml "
        "--snapshot policy-snapshot.json --exit-code",
        folder,
    )
    assert done.returncode == 3
    assert "  + give    Person 2  Contoso Deutschland  rule payroll" in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--snapshot policy-snapshot.json", "Give --policy FILE."),
        ("--counts", "Give --policy FILE."),
        ("--policy policy.yaml --snapshot policy-snapshot.json --out p.json", "cannot be applied"),
        ("--policy policy.yaml --snapshot policy.yaml", "this is no snapshot"),
    ],
)
def test_what_does_not_go_together_is_misuse(folder: Path, arguments: str, said: str) -> None:
    done = shell(f"INVOICE_ACCESS_POLICY=$PWD/in-force.yaml invoice-access plan {arguments}", folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"complete": true', '"complete": "perhaps"'), "complete"),
        (('"id": "A:1/NL"', '"id": "NL"'), "is not '<billing account>"),
        (("snapshot/1", "snapshot/2"), "its schema is not"),
    ],
)
def test_a_snapshot_that_does_not_fit_names_the_field(folder: Path, change: tuple[str, str], said: str) -> None:
    file = folder / "policy-snapshot.json"
    file.write_text(file.read_text().replace(*change))
    with pytest.raises(UsageError, match=said):
        snapshot_file.read(file)
