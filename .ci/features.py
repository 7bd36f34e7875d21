#!/usr/bin/env python3
"""Writes the dependencies of crates/softnce-features: one set of features for each package that Burn depends on.

Cargo unifies features: it builds a package with all features that the crates selected by a command ask for. Two
commands that select other crates would therefore compile Burn twice. Run it after a change of dependencies; `--check` only tells whether the file is current.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

MANIFEST = Path("crates/softnce-features/Cargo.toml")
WITH_BURN = ["nn", "burn", "train", "experiments", "cli"]
COMMANDS = [
    "test --workspace --no-run",
    *(f"{command} -p softnce-{name}" for name in WITH_BURN for command in ("build", "test --no-run")),
]
MARK = "# Written by .ci/features.py.\n"


def units(command):
    """The units of a command by package and by whether they run while building: name, version, features."""
    words = ["cargo", *command.split(), "--release", "--offline", "--unit-graph", "-Zunstable-options"]
    env = {**os.environ, "RUSTC_BOOTSTRAP": "1"}
    graph = json.loads(subprocess.run(words, check=True, capture_output=True, env=env).stdout)
    all_units, seen, found = graph["units"], set(), {}
    stack = [(root, False) for root in graph["roots"]]
    burn = set()

    def closure(index):
        if index not in burn:
            burn.add(index)
            for dependency in all_units[index]["dependencies"]:
                closure(dependency["index"])

    while stack:
        index, host = stack.pop()
        unit = all_units[index]
        host = host or unit["target"]["kind"] in (["custom-build"], ["proc-macro"])
        if (index, host) in seen:
            continue
        seen.add((index, host))
        package = re.match(r".*#(?:(.+)@)?([0-9][^@]*)$", unit["pkg_id"])
        if unit["pkg_id"].startswith("registry"):
            name = package[1] or unit["pkg_id"].rsplit("/", 1)[-1].split("#")[0]
            found.setdefault((name, package[2], host), (set(), set()))
            found[name, package[2], host][0].update(unit["features"])
            found[name, package[2], host][1].add(index)
            if name == "burn":
                closure(index)
        stack += [(dependency["index"], host) for dependency in unit["dependencies"]]
    return {key: features for key, (features, indices) in found.items() if indices & burn}


def manifest(lines):
    text = MANIFEST.read_text()
    return text[: text.index(MARK) + len(MARK)] + lines


def main():
    sys.setrecursionlimit(100_000)
    graphs = [units(command) for command in COMMANDS]
    lines = ""
    for host, title in ((False, "dependencies"), (True, "build-dependencies")):
        lines += f"\n[{title}]\n"
        keys = sorted({key for graph in graphs for key in graph if key[2] == host})
        for name, version, _ in keys:
            sets = [graph[name, version, host] for graph in graphs if (name, version, host) in graph]
            union = set().union(*sets)
            # What the file names already stays: it is why the sets are equal.
            named = f'\n{name} = {{ version = "{version}"' in MANIFEST.read_text()
            if not named and all(features == union for features in sets):
                continue
            features = ", ".join(f'"{feature}"' for feature in sorted(union - {"default"}))
            default = "" if "default" in union else ", default-features = false"
            lines += f'{name} = {{ version = "{version}"{default}, features = [{features}] }}\n'
    if "--check" in sys.argv:
        if manifest(lines) != MANIFEST.read_text():
            sys.exit(f"{MANIFEST} is out of date: run .ci/features.py")
    else:
        MANIFEST.write_text(manifest(lines))


if __name__ == "__main__":
    main()
