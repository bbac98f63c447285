"""The app starts on exactly the settings that a deployment gives a part, with the functions that infra/ counts on."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest

from shared.settings import Part
from tests.infra.bicep_tree import ROOT, bicep_files, trees
from tests.infra.deployments import Infra, settings_of
from tests.infra.promises_of_apps import READY

NAMES = """
import json, function_app
print(json.dumps([
    [function.get_function_name(), [binding.get_binding_name() for binding in function.get_bindings()]]
    for function in function_app.app.get_functions()
]))
"""
GUID = "7c0f5a0e-0000-4000-8000-0000000000cc"


def resolved(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as the process sees them: ids that Azure gives filled in, references to the vault resolved."""
    filled = {name: re.sub(r"<[^<>]*>[\w.]*", GUID, value) for name, value in settings.items()}
    return {name: "k" * 32 if "@Microsoft.KeyVault" in value else value for name, value in filled.items()}


@pytest.mark.parametrize("part", ["all", "core", "front", "desk"])
def test_a_part_starts_on_the_settings_that_it_is_given(part: str) -> None:
    if part not in set(Part):
        pytest.skip("the part `desk` is not there yet")
    infra = Infra(bicep_files(), trees(bicep_files()))
    settings = (settings_of(infra.whole) | settings_of(infra.in_one))[part]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", NAMES],
        cwd=ROOT,
        env={"PATH": "", **resolved(settings)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    functions = {name: set(bindings) for name, bindings in json.loads(done.stdout)}
    by_itself = {name for name, bindings in functions.items() if "httpTrigger" not in bindings}
    assert by_itself >= READY[part]
    assert bool(by_itself) == bool(READY[part]), "only the core has queues and timers"


def test_the_first_start_needs_no_secret_and_no_source() -> None:
    infra = Infra(bicep_files(), trees(bicep_files()))
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", NAMES],
        cwd=ROOT,
        env={"PATH": "", **resolved(settings_of(infra.smallest)["all"])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {name for name, _ in json.loads(done.stdout)} > READY["all"]
