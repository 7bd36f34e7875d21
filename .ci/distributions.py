#!/usr/bin/env python3
"""Checks built wheels and source distributions of the Python package: distributions.py FILE..

Each must have the licence texts, the notices of third parties, the addresses of the project, and a description whose
links work on a package index. A source distribution must have everything that its wheel is built from.
"""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LICENCES = ("LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-NOTICES.txt")
ADDRESSES = ("Changelog", "Documentation", "Issues", "Repository")


def metadata_problems(metadata: Message) -> list[str]:
    found = []
    if metadata["License-Expression"] != "MIT OR Apache-2.0":
        found.append(f"the licence is {metadata['License-Expression']}")
    files = metadata.get_all("License-File", [])
    found += [f"the metadata does not name {name}" for name in LICENCES if name not in files]
    addresses = [address.split(",")[0] for address in metadata.get_all("Project-URL", [])]
    found += [f"the metadata has no address for {name}" for name in ADDRESSES if name not in addresses]
    if not metadata.get_payload().strip():
        found.append("there is no description")
    links = re.findall(r"\]\(([^)\s]+)\)", metadata.get_payload())
    found += [f"the description's link {link} is relative" for link in links if not link.startswith("https://")]
    return found


def licence_problems(texts: dict[str, str]) -> list[str]:
    found = []
    for name in LICENCES:
        if texts.get(name) != (ROOT / "crates/softnce-python" / name).read_text(encoding="utf-8"):
            found.append(f"{name} is missing or not that of the repository")
    return found


def wheel_problems(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        info = next(name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA"))
        texts = {
            name: archive.read(f"{info}/licenses/{name}").decode()
            for name in LICENCES
            if f"{info}/licenses/{name}" in names
        }
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
    found = metadata_problems(metadata) + licence_problems(texts)
    for name in ("softnce/py.typed", "softnce/_native.pyi", "softnce/torch/__init__.py", "softnce/numpy/__init__.py"):
        if name not in names:
            found.append(f"{name} is missing")
    if sum(re.fullmatch(r"softnce/_native(\.abi3)?\.(so|pyd)", name) is not None for name in names) != 1:
        found.append("it does not have exactly one native module")
    found += [
        f"{name} does not belong in it" for name in names if name.split("/")[0] not in ("softnce", info, "softnce.libs")
    ]
    return found


def source_problems(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        texts = {}
        for member in archive.getmembers():
            name = member.name.split("/", 1)[1]
            file = archive.extractfile(member)
            texts[name] = file.read() if file else b""
    found = metadata_problems(Parser().parsestr(texts["PKG-INFO"].decode()))
    found += licence_problems({name: texts[name].decode() for name in LICENCES if name in texts})
    wanted = ["Cargo.lock", "Cargo.toml", "pyproject.toml", "README.md", "python/softnce/py.typed"]
    wanted += [f"crates/{crate}/src/lib.rs" for crate in ("softnce", "softnce-kernels", "softnce-python")]
    found += [f"{name} is missing" for name in wanted if name not in texts]
    found += [f"{name} does not belong in it" for name in texts if re.search(r"\.(so|pyd|pyc)$|__pycache__", name)]
    return found


def main() -> None:
    if not sys.argv[1:]:
        sys.exit("usage: .ci/distributions.py FILE..")
    found = []
    for path in map(Path, sys.argv[1:]):
        problems = wheel_problems(path) if path.suffix == ".whl" else source_problems(path)
        found += [f"{path.name}: {problem}" for problem in problems]
    if found:
        sys.exit("\n".join(found))
    print(f"{len(sys.argv) - 1} distributions are complete")


if __name__ == "__main__":
    main()
