#!/usr/bin/env bash
# msgraph-sdk 1.65.0: is what it installs code?
#
# It is known to be large: some 16,700 modules. One would guess that its size is theirs. But its largest file by far is a
# text, `msgraph/generated/kiota-dom-export.txt`: the generator's own list of everything public, written to compare two
# releases with. It is more than a quarter of the wheel unpacked, and no module of the package names it.
# So: leave it out of what is deployed, as well as the modules that are never loaded.
#
# Seen (sizes in million bytes):
#   unpacked: 133, of which the list 37.8; the largest module 0.5
#   modules that name the list: 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$folder" msgraph-sdk==1.65.0
cat >"$folder/seen.py" <<'PYTHON'
import sys
import zipfile
from pathlib import Path

(wheel,) = Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    sizes = {one.filename: one.file_size for one in archive.infolist()}
    modules = [name for name in sizes if name.endswith(".py")]
    naming = [name for name in modules if b"kiota-dom-export" in archive.read(name)]
largest = max(sizes, key=sizes.__getitem__)
million = 1e6
print(
    f"unpacked: {sum(sizes.values()) / million:.0f}, of which the list {sizes[largest] / million:.1f}; "
    f"the largest module {max(sizes[name] for name in modules) / million:.1f}"
)
print("modules that name the list:", len(naming))
assert largest == "msgraph/generated/kiota-dom-export.txt"
assert sizes[largest] > sum(sizes.values()) / 4
assert sizes[largest] > 50 * max(sizes[name] for name in modules)
assert naming == []
PYTHON
"${PYTHON:-python3}" "$folder/seen.py" "$folder"
