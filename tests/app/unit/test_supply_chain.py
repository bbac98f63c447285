"""What is installed, what ships and what builds it: locked by hashes, under known licences, listed; nothing else."""

import base64
import hashlib
import json
import re
import subprocess
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from ruamel.yaml import YAML

from deploy.install import NEEDS_BUILDING, install, split
from deploy.licences import is_allowed, licence_of, refused, shipped
from deploy.lock import LOCKS
from deploy.sbom import document

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, tuple[str, list[str]]]:
    """The version and hashes of each package of a lock file."""
    entries = re.findall(
        r"^([\w.-]+)==(\S+)([^\n]*\\\n(?:    --hash=\S+(?: \\)?\n?)+)", (ROOT / name).read_text("utf-8"), re.MULTILINE
    )
    return {plain(package): (version, re.findall(r"--hash=(\S+)", rest)) for package, version, rest in entries}


def pinned(*names: str) -> dict[str, str]:
    lines = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in names)
    return {plain(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", lines, re.MULTILINE)}


# -- the lock files


def test_the_lock_files_are_of_the_pins_as_they_are() -> None:
    """After a pin was changed: `.venv/bin/python -m deploy.lock` (`make lock`)."""
    pins = pinned("constraints.txt", "requirements.txt", "requirements-dev.txt")
    everything = {name: version for name, (version, _) in locked("requirements-dev.lock").items()}
    # What only other systems need (Windows' colorama) is no pin of ours: the lock file alone has it.
    assert {name: version for name, version in everything.items() if pins.get(name, version) != version} == {}
    assert set(pinned("requirements.txt", "requirements-dev.txt")) <= set(everything)
    app = locked("requirements.lock")
    assert set(pinned("requirements.txt")) <= set(app)
    assert {name: locked("requirements-dev.lock")[name] for name in app} == app


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_has_hashes_of_everything_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(locked(name)) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) > 50
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for _, hashes in locked(name).values() for one in hashes)
    assert not re.search(r"://|--index|--extra|--find-links|--trusted|^-", text, re.MULTILINE)


def test_what_needs_building_is_told_apart() -> None:
    ready, source = split((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert {plain(name) for name in re.findall(r"^([\w.-]+)==", source, re.MULTILINE)} == NEEDS_BUILDING
    assert len(re.findall(r"^[\w.-]+==", ready, re.MULTILINE)) == len(locked("requirements.lock")) - len(NEEDS_BUILDING)
    assert "setuptools" in locked("requirements-dev.lock"), "what builds it is locked, too"


def test_everything_that_installs_installs_what_is_locked() -> None:
    places = [ROOT / "Makefile", ROOT / ".ci" / "run", *WORKFLOWS, *(ROOT / "deploy").glob("*.py")]
    lines = [line.strip() for path in places for line in path.read_text(encoding="utf-8").splitlines()]
    by_hand = [line for line in lines if re.search(r"\bpip3? install\b|\buv (pip|sync|add)\b", line)]
    ours = "--no-deps --no-build-isolation --editable ."
    assert [line for line in by_hand if not line.endswith(ours)] == []
    assert "$(BIN)/python -m deploy.install requirements-dev.lock" in (ROOT / "Makefile").read_text(encoding="utf-8")


# -- a package that was tampered with


def wheel(folder: Path, name: str = "innocent") -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    files = {
        f"{name}.py": "ANSWER = 42\n",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{file},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text)}\n"
        for file, text in files.items()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(f"{name}-1.0.dist-info/RECORD", f"{record}{name}-1.0.dist-info/RECORD,,\n")
    return path


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry of this test's own: a folder."""
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def lock(path: Path, *wheels: Path) -> Path:
    lines = [
        f"{one.name.split('-')[0]}==1.0 --hash=sha256:{hashlib.sha256(one.read_bytes()).hexdigest()}\n"
        for one in wheels
    ]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_a_package_that_is_what_it_was_is_installed(tmp_path: Path, registry: Path) -> None:
    install(lock(tmp_path / "a.lock", wheel(registry)), target=tmp_path / "site")
    assert (tmp_path / "site" / "innocent.py").read_text(encoding="utf-8") == "ANSWER = 42\n"


def test_a_package_that_was_tampered_with_is_installed_nowhere(
    tmp_path: Path, registry: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good, other = wheel(registry), wheel(registry, "other")
    locked_as = lock(tmp_path / "a.lock", good, other)
    with zipfile.ZipFile(good, "a") as archive:
        archive.writestr("innocent_too.py", "import os\n")
    with pytest.raises(subprocess.CalledProcessError):
        install(locked_as, target=tmp_path / "site")
    assert "DO NOT MATCH THE HASHES" in capfd.readouterr().err
    assert not [*tmp_path.rglob("site/*.py")], "neither it nor what came with it"


def test_a_package_without_a_hash_is_installed_nowhere(tmp_path: Path, registry: Path) -> None:
    wheel(registry)
    (tmp_path / "a.lock").write_text("innocent==1.0\n", encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        install(tmp_path / "a.lock", target=tmp_path / "site")
    assert not (tmp_path / "site").exists()


# -- licences, and the bill of materials


def test_every_package_that_ships_may_ship() -> None:
    packages = list(shipped())
    assert {plain(one.name): one.version for one in packages} == {
        name: version for name, (version, _) in locked("requirements.lock").items()
    }
    assert refused(packages) == []


class Told(Distribution):
    """A package of which only the metadata are known."""

    def __init__(self, text: str) -> None:
        self._text = f"Metadata-Version: 2.4\nName: told\nVersion: 1\n{text}\n"

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("metadata", "licence", "may"),
    [
        ("License-Expression: MIT", "MIT", True),
        ("License-Expression: Apache-2.0 OR GPL-3.0-only", "Apache-2.0 OR GPL-3.0-only", True),
        ("License-Expression: Apache-2.0 AND GPL-3.0-only", "Apache-2.0 AND GPL-3.0-only", False),
        ("License: BSD-3-Clause", "BSD-3-Clause", True),
        ("License: BSD", "LicenseRef-BSD", True),
        ("License: Dual License\nClassifier: License :: OSI Approved :: BSD License", "LicenseRef-BSD", True),
        ("Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)", "", False),
        (
            """\
Classifier: License :: OSI Approved :: MIT License
Classifier: License :: OSI Approved :: GNU Affero General Public License v3""",
            "",
            False,
        ),
        ("License: see the file", "", False),
        ("", "", False),
    ],
)
def test_a_licence_is_read_and_judged(metadata: str, licence: str, *, may: bool) -> None:
    package = Told(metadata)
    assert (licence_of(package), is_allowed(licence)) == (licence, may)
    assert (refused([package]) == []) is may


def test_the_bill_of_materials_is_whole_and_fits_its_schema() -> None:
    text = document(list(shipped()))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    parts = {one["name"]: one for one in bill["components"]}
    assert {name: one["version"] for name, one in parts.items()} == {
        name: version for name, (version, _) in locked("requirements.lock").items()
    }
    assert all(one["licenses"] and one["purl"] == f"pkg:pypi/{name}@{one['version']}" for name, one in parts.items())
    asks = {one["ref"]: set(one.get("dependsOn", ())) for one in bill["dependencies"]}
    assert {ref.partition("@")[0] for ref in asks["invoice-access"]} == set(pinned("requirements.txt"))
    assert f"msal@{distribution('msal').version}" in asks[f"azure-identity@{distribution('azure-identity').version}"]


# -- what builds and deploys


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.dependabot", [ROOT / ".github" / "dependabot.yml"]),
    ],
)
def test_the_files_for_github_fit_its_published_schema(schema: str, files: list[Path]) -> None:
    from check_jsonschema import main  # type: ignore[import-untyped] # noqa: PLC0415 - a command line of its own

    assert files
    with pytest.raises(SystemExit) as ended:
        main(["--builtin-schema", schema, *map(str, files)])
    assert ended.value.code == 0


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_pins_its_actions_and_may_only_what_it_needs(path: Path) -> None:
    text, workflow = path.read_text(encoding="utf-8"), read(path)
    uses = re.findall(r"uses: (\S+)(.*)", text)
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action, _ in uses), uses
    assert all(re.fullmatch(r" # v\d+\.\d+\.\d+", version) for _, version in uses), uses
    assert "permissions" in workflow
    for name, job in workflow["jobs"].items():
        may = job.get("permissions", workflow["permissions"])
        assert ("id-token" in may) is (name == "deploy"), "signs in to Azure, and nothing else does"
        for step in job["steps"]:
            # What a stranger may write into a title or a branch's name is no part of a command.
            assert "${{ github.event" not in step.get("run", "")
            assert "${{ inputs" not in step.get("run", "")
    assert "secrets." not in text, "there is none: a sign-in by OpenID Connect needs no secret"


def test_ci_is_what_a_machine_of_ones_own_does() -> None:
    (job,) = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]


def test_nothing_is_deployed_before_the_plan_was_shown_and_approved() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"]
    assert jobs["deploy"]["needs"] == "plan"
    assert jobs["deploy"]["environment"] == "production"
    shows = " ".join(step.get("run", "") for step in jobs["plan"]["steps"])
    assert "invoice-access plan --policy policy.yaml" in shows
    assert "$GITHUB_STEP_SUMMARY" in shows
    assert jobs["mark"]["needs"] == "deploy"
