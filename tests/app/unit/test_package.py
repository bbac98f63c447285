"""What `make package` ships. That the whole of it runs is proved by the demo, which `make package` plays on it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.package import SHIPPED_FOLDERS, copy_app, kept_modules, prune

ROOT = Path(__file__).parents[3]

NOT_SHIPPED = frozenset({"benchmarks", "cli", "deploy", "docs", "findings", "infra", "sandbox", "tests"})


def test_the_graph_adapter_works_on_the_modules_that_ship() -> None:
    tests = ROOT / "tests" / "app" / "contract" / "adapters" / "graph"
    done = subprocess.run(  # noqa: S603 - this interpreter, on our own tests
        [sys.executable, "-m", "pytest", "-q", "-p", "deploy.only_what_ships", "-p", "no:cacheprovider", "-p",
         "no:xdist", tests],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


def test_every_module_that_ships_is_one_of_the_installed_msgraph() -> None:
    import msgraph  # noqa: PLC0415 - where it lies is the question

    site = Path(msgraph.__path__[0]).parent
    names = [module.replace(".", "/") for module in kept_modules()]
    assert all((site / f"{name}.py").is_file() or (site / name / "__init__.py").is_file() for name in names)


def test_pruning_leaves_the_kept_modules_and_other_packages(tmp_path: Path) -> None:
    for name in (
        "msgraph/__init__.py", "msgraph/generated/kept/one.py", "msgraph/generated/other/two.py",
        "msgraph/generated/export.txt", "msgraph_core/__init__.py", "msgraph_sdk-1.dist-info/RECORD",
        "msgraph_sdk-1.dist-info/METADATA", "msgraph_sdk-1.dist-info/WHEEL", "msgraph_sdk-1.dist-info/licenses/LICENSE",
        "babel/locale-data/nl.dat", "babel/locale-data/fr.dat", "babel/core.py",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert prune(tmp_path, {"msgraph", "msgraph.generated.kept.one"}) == 2
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == [
        "babel/core.py", "babel/locale-data/nl.dat", "msgraph/__init__.py", "msgraph/generated/kept/one.py",
        "msgraph_core/__init__.py", "msgraph_sdk-1.dist-info/METADATA", "msgraph_sdk-1.dist-info/licenses/LICENSE",
    ]  # fmt: skip
    assert not (tmp_path / "msgraph/generated/other").exists()


def test_a_list_of_another_version_is_refused_with_the_modules_name(tmp_path: Path) -> None:
    (tmp_path / "msgraph").mkdir()
    (tmp_path / "msgraph" / "__init__.py").touch()
    with pytest.raises(ValueError, match=r"names msgraph\.gone, which the installed msgraph has not"):
        prune(tmp_path, {"msgraph", "msgraph.gone"})


def test_the_app_ships_whole_and_nothing_beside_it(tmp_path: Path) -> None:
    copy_app(tmp_path)
    shipped = {path.name for path in tmp_path.iterdir()}
    assert shipped.isdisjoint(NOT_SHIPPED)
    for folder in SHIPPED_FOLDERS:
        here = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.py")}
        assert here == {path.relative_to(tmp_path) for path in (tmp_path / folder).rglob("*.py")}
    assert not [*tmp_path.rglob("*.pyc")]


def test_every_folder_of_this_project_ships_or_is_left_out_on_purpose() -> None:
    known = NOT_SHIPPED | set(SHIPPED_FOLDERS)
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    folders = {line.partition("/")[0] for line in tracked.splitlines() if "/" in line and not line.startswith(".")}
    assert folders <= known
    ignored = (ROOT / ".funcignore").read_text().split()
    assert {f"{folder}/" for folder in NOT_SHIPPED} <= set(ignored)
    assert not {f"{folder}/" for folder in SHIPPED_FOLDERS} & set(ignored)
