#!/usr/bin/env python3
"""Writes the licence texts of the crates in the Python package's native module.

The wheels contain compiled code of these crates, whose licences ask for their notice. The file lists the crates of all
platforms that wheels are built for; build scripts and procedural macros are left out, as they are not in the wheels.
Copies of the project's own licence texts lie beside it: builders take no files from outside the package's folder.
`--check` fails where a file differs from what would be written.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "crates/softnce-python"
PLATFORMS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)
# Every crate so far offers this licence. A crate that does not has to be looked at before it goes into a wheel.
LICENCE = "MIT"
TEXT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
HEAD = """\
Third-party software in the wheels of softnce
=============================================

The native module of softnce contains compiled code of the Rust crates below, on some platforms of fewer of them. All
are used under the MIT licence; where a crate offers a choice of licences, its own choice is in parentheses. Written by
.ci/notices.py.

The module also contains the Rust standard library (Copyright (c) The Rust Project Contributors; MIT OR Apache-2.0).
The file share/doc/rust/COPYRIGHT-library.html of a Rust toolchain has the notices of what the standard library
contains.
"""


def cargo(*arguments: str) -> str:
    done = subprocess.run(["cargo", *arguments, "--locked"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"cargo {' '.join(arguments)} failed")
    return done.stdout


def linked() -> set[tuple[str, str]]:
    """Names and versions of the crates that are linked into the native module."""
    found = set()
    for platform in PLATFORMS:
        options = ("--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}", "--target", platform)
        for line in cargo("tree", "--package", "softnce-python", *options).splitlines():
            name, version = line.split()[:2]
            found.add((name, version.removeprefix("v")))
    return found


def notice(package: dict) -> str:
    """The text of the licence of a crate, with its copyright line."""
    folder = Path(package["manifest_path"]).parent
    offered = re.split(r" OR |/", package["license"] or "")
    if LICENCE not in offered:
        sys.exit(
            f"{package['name']} has licence {package['license']!r}, expected a choice with {LICENCE}: see {__file__}"
        )
    files = [path for path in folder.iterdir() if re.match(r"licen[cs]e", path.name, re.IGNORECASE) and path.is_file()]
    texts = [path.read_text(encoding="utf-8") for path in sorted(files)]
    texts = [text for text in texts if "Permission is hereby granted" in text and "without restriction" in text]
    if texts:
        (text,) = texts[:1]
        return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"
    authors = (
        ", ".join(re.sub(r" <.*>", "", author) for author in package["authors"]) or f"the authors of {package['name']}"
    )
    return f"Copyright (c) {authors}\n\n{TEXT}"


def notices() -> str:
    metadata = json.loads(cargo("metadata", "--format-version", "1"))
    packages = {(package["name"], package["version"]): package for package in metadata["packages"]}
    crates: dict[str, list[str]] = {}
    for key in sorted(linked()):
        package = packages[key]
        # Crates of the workspace are the project itself.
        if package["source"] is None:
            continue
        address = package["repository"] or f"https://crates.io/crates/{package['name']}"
        entry = f"{package['name']} {package['version']} ({package['license']})\n    {address}"
        crates.setdefault(notice(package), []).append(entry)
    rule = "\n" + "-" * 80 + "\n\n"
    parts = [HEAD]
    parts += ["\n".join(entries) + "\n\n" + text for text, entries in crates.items()]
    return rule.join(parts)


def main() -> None:
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: .ci/notices.py [--check]")
    wanted = {PACKAGE / "THIRD-PARTY-NOTICES.txt": notices()}
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        wanted[PACKAGE / name] = (ROOT / name).read_text(encoding="utf-8")
    for path, text in wanted.items():
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path.relative_to(ROOT)} is out of date: run python3 .ci/notices.py")


if __name__ == "__main__":
    main()
