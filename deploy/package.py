"""Builds the zip that is deployed: the app, its packages for Azure's workers, and nothing else.

`python -m deploy.package [--out FILE]` (`make package`). Lives here: what ships, where it lies in the zip, and what is
left out of msgraph. That the zip works is proved by playing the demo on it (`python -m sandbox demo --app FOLDER`).

Azure's Python worker reads packages from `.python_packages/lib/site-packages` beside host.json, and a deployment with
`remoteBuild: false` installs nothing
(https://learn.microsoft.com/azure/azure-functions/functions-reference-python#packages-management).
"""

import argparse
import compileall
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Collection, Sequence
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath
from py_compile import PycInvalidationMode
from typing import Final

from deploy.install import install
from deploy.licences import refused
from deploy.sbom import document

PROJECT: Final = Path(__file__).resolve().parents[1]

SHIPPED: Final = ("host.json", "function_app.py", "policy.yaml", "requirements.txt", "constraints.txt")
"""Files of the app. requirements.txt tells whoever opens the zip what is in it; nothing installs from it."""

SHIPPED_FOLDERS: Final = ("functions", "shared")

PACKAGES: Final = PurePosixPath(".python_packages/lib/site-packages")
"""Where Azure's worker looks for packages, from the app's folder."""

MSGRAPH_MODULES: Final = PROJECT / "deploy" / "msgraph_modules.txt"
"""The modules of msgraph that the app loads, a line each: 21 of 16,741. A test runs Graph's adapter on these alone."""

LOCALES: Final = frozenset({"root", "en", "en_001", "en_GB", "nl", "sv"})
"""The locales of babel that the page speaks, and those that they rest on: 6 of 1,149, 1 MB of 35."""

_AZURES_WORKER: Final = ("--platform", "manylinux2014_x86_64", "--implementation", "cp", "--python-version", "3.13")
"""pip's words for a Flex Consumption worker, whatever machine builds."""

_PIPS_OWN: Final = ("INSTALLER", "RECORD", "REQUESTED", "WHEEL", "top_level.txt")
"""Notes that pip leaves with a package, and that nothing reads at run time: 330 files. A RECORD would tell of files
that are no longer there. METADATA, entry points and licences stay."""

MOST_FILES: Final = 3_500
MOST_BYTES: Final = 70_000_000
"""How much may ship, unpacked and without bytecode: a worker reads it at each start."""

BILL: Final = ".cdx.json"
"""How the name of the bill of materials ends, which is put beside the zip."""

_NOT_SHIPPED: Final = ("__pycache__", "*.pyc")


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds the zip, and says how large it is and how many files are in it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.package", description="Builds the zip that is deployed.")
    parser.add_argument("--out", type=Path, default=PROJECT / "build" / "invoice-access.zip", metavar="FILE")
    target: Path = parser.parse_args(arguments).out
    with tempfile.TemporaryDirectory(prefix="invoice-access-package-") as made:
        folder = Path(made)
        copy_app(folder)
        site = folder / PACKAGES
        install(PROJECT / "requirements.lock", target=site, platform=_AZURES_WORKER)
        shutil.rmtree(site / "bin", ignore_errors=True)  # commands that packages bring: nobody calls them there
        packages = list(distributions(path=[str(site)]))
        if wrong := refused(packages):
            raise ValueError(f"what may not ship: {'; '.join(wrong)}")
        bill = document(packages)
        left_out = prune(site, kept_modules())
        files = _files(folder)
        size = sum(path.stat().st_size for path in files)
        if len(files) > MOST_FILES or size > MOST_BYTES:
            sys.stderr.write(
                f"Nothing was built: {len(files):,} files of {size / 1e6:.1f} MB would ship, and at most "
                f"{MOST_FILES:,} of {MOST_BYTES / 1e6:.0f} MB may. What was added since the last package?\n"
            )
            return 1
        _compile(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_zip(folder, target)
        target.with_suffix(BILL).write_text(bill, encoding="utf-8")
    sys.stdout.write(
        f"{target}: {target.stat().st_size / 1e6:.1f} MB; unpacked {len(files):,} files, {size / 1e6:.1f} MB, and "
        f"their bytecode; {left_out:,} files of msgraph that the app never loads are left out\n"
    )
    return 0


def copy_app(folder: Path, source: Path = PROJECT) -> None:
    """Copies the app's own files into a folder, without bytecode."""
    for name in SHIPPED:
        shutil.copy2(source / name, folder / name)
    for name in SHIPPED_FOLDERS:
        shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns(*_NOT_SHIPPED))


def kept_modules() -> frozenset[str]:
    """The modules of msgraph that ship."""
    return frozenset(MSGRAPH_MODULES.read_text(encoding="ascii").split())


def prune(site: Path, kept: Collection[str]) -> int:
    """Removes every file of msgraph but those of the `kept` modules, other locales, and what pip wrote for itself.

    Returns how many files of msgraph went. Raises ValueError where a kept module is not there.
    """
    found = {path: _module(path.relative_to(site)) for path in _files(site / "msgraph")}
    if missing := sorted(set(kept) - set(found.values())):
        raise ValueError(
            f"{MSGRAPH_MODULES.name} names {', '.join(missing)}, which the installed msgraph has not: "
            f"bring the list up to date with the version that requirements.txt pins"
        )
    left_out = [path for path, module in found.items() if module not in kept]
    unspoken = [path for path in (site / "babel" / "locale-data").glob("*.dat") if path.stem not in LOCALES]
    pips = [path for name in _PIPS_OWN for path in site.glob(f"*.dist-info/{name}")]
    for path in [*left_out, *unspoken, *pips]:
        path.unlink()
    for path in sorted((site / "msgraph").rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    return len(left_out)


def write_zip(folder: Path, target: Path) -> None:
    """Writes everything in `folder`, in order of names, so that the same files make the same list."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(folder):
            archive.write(path, path.relative_to(folder))


def _files(folder: Path) -> Sequence[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _module(path: Path) -> str:
    """A file's module, "" for one that is none: `msgraph/generated/__init__.py` is `msgraph.generated`."""
    if path.suffix != ".py":
        return ""
    names = path.with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def _compile(folder: Path) -> None:
    """Compiles all of it, to be trusted as it is: a zip that is unpacked has other times than what was compiled."""
    done = compileall.compile_dir(folder, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH, workers=0)
    if not done:
        raise ValueError("something in the package does not compile; what it is stands above")


if __name__ == "__main__":
    sys.exit(main())
