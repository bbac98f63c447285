"""The bill of materials of what is deployed, in CycloneDX: each package, its version, its licence, what it asks for.

`python -m deploy.sbom [--out FILE]` (`make sbom`) makes it of what requirements.lock names. `make package` makes it of
the packages that really are in the zip, and puts it beside.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Collection, Iterable, Sequence
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement

from deploy.licences import licence_of, shipped

PROJECT: Final = Path(__file__).resolve().parents[1]
BESIDE: Final = PROJECT / "build" / "invoice-access.cdx.json"
AZURES_WORKER: Final = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "extra": ""}
"""What decides there which requirements of a package count."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sbom", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=BESIDE, metavar="FILE")
    target: Path = parser.parse_args(arguments).out
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(document(list(shipped())), encoding="utf-8")
    sys.stdout.write(f"{target}\n")
    return 0


def document(packages: Collection[Distribution]) -> str:
    """The bill of these packages, as JSON of CycloneDX 1.6."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bill = Bom()
    app = Component(
        name=project["name"], version=project["version"], type=ComponentType.APPLICATION, bom_ref=project["name"]
    )
    bill.metadata.component = app
    parts = {_plain(package.name): _component(package) for package in packages}
    for part in parts.values():
        bill.components.add(part)
    named = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    direct = [line.partition("==")[0] for line in named if "==" in line and not line.startswith(("#", "-"))]
    bill.register_dependency(app, _known(parts, direct))
    for package in packages:
        bill.register_dependency(parts[_plain(package.name)], _known(parts, _asked_for(package)))
    outputter = make_outputter(bill, OutputFormat.JSON, SchemaVersion.V1_6)
    return f"{outputter.output_as_string(indent=1)}\n"


def _component(package: Distribution) -> Component:
    name = _plain(package.name)
    licence = licence_of(package)
    return Component(
        name=name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{name}@{package.version}",
        purl=PackageURL("pypi", name=name, version=package.version),
        description=package.metadata.get("Summary"),
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
    )


def _asked_for(package: Distribution) -> Iterable[str]:
    for text in package.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(AZURES_WORKER):
            yield requirement.name


def _known(parts: dict[str, Component], names: Iterable[str]) -> list[Component]:
    return [parts[_plain(name)] for name in names if _plain(name) in parts]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
