#!/usr/bin/env python3
"""Refuses circles between the modules of a crate.

A module is a file. It imports another one where it names it, or an item defined in it, by a path through `crate`,
`super` or `self`. Paths are followed through re-exports to the file that defines the item. Test modules are left out. Folders count as well: the
modules below one must not import those below another that imports the first.
Exits with 1 after printing each circle with the imports that close it.
"""

import re
import sys
from pathlib import Path

TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|::|[{},*;]|\bas\b")
STRIP = re.compile(r'//[^\n]*|/\*.*?\*/|r#*"(?:.|\n)*?"#*|"(?:\\.|[^"\\])*"|\'(?:\\.[^\']*|[^\\\'])\'', re.S)


def use_paths(tokens, prefix=()):
    """Paths of one `use` tree: (path, name under which it is known)."""
    path, paths = list(prefix), []
    while tokens:
        token = tokens.pop(0)
        if token in (";", ",", "}"):
            if path != list(prefix):
                paths.append((tuple(path), path[-1]))
            path = list(prefix)
            if token != ",":
                break
        elif token == "{":
            paths += use_paths(tokens, tuple(path))
            path = list(prefix)
        elif token == "as":
            name = tokens.pop(0)
            paths.append((tuple(path), name))
            path = list(prefix)
        elif token != "::":
            path.append(token)
    return paths


def without_tests(text):
    """The source without strings, comments and items behind #[cfg(test)]."""
    text = STRIP.sub(lambda found: '""' if found.group().startswith(("r", '"')) else " ", text)
    out, at = [], 0
    for found in re.finditer(r"#\[cfg\((?:test|doctest|all\(test[^]]*)\)\]", text):
        if found.start() < at:
            continue
        out.append(text[at : found.start()])
        brace, semicolon = text.find("{", found.end()), text.find(";", found.end())
        if semicolon != -1 and (brace == -1 or semicolon < brace):
            at = semicolon + 1
            continue
        depth, at = 1, brace + 1
        while depth and at < len(text):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
    # The path in `pub(in crate::ops)` is no import.
    return re.sub(r"\bpub\s*\([^)]*\)", "pub", "".join(out) + text[at:])


class Crate:
    """A library or a program, by its root file."""

    def __init__(self, root):
        self.modules, self.known = {}, {}
        self.add((), root, root.parent)
        for name, (_, text) in self.modules.items():
            self.known[name] = [
                (self.absolute(name, path), alias)
                for use in re.findall(r"\buse\s+([^;]*;)", text)
                for path, alias in use_paths(TOKEN.findall(use))
            ]

    def add(self, name, file, folder):
        text = without_tests(file.read_text())
        self.modules[name] = (file, text)
        for child in re.findall(r"\bmod\s+(\w+)\s*;", text):
            for path in (folder / f"{child}.rs", folder / child / "mod.rs"):
                if path.exists():
                    self.add((*name, child), path, folder / child)

    def absolute(self, module, path):
        """The path from the crate's root; None where it leads out of the crate."""
        if path[0] == "crate":
            return path[1:]
        if path[0] == "self":
            return (*module, *path[1:])
        if path[0] == "super":
            while path and path[0] == "super":
                module, path = module[:-1], path[1:]
            return (*module, *path)
        if (*module, path[0]) in self.modules:
            return (*module, *path)
        return None

    def defining(self, path, seen=()):
        """The module that a path leads to, through re-exports."""
        module = path
        while module not in self.modules:
            module = module[:-1]
        rest = path[len(module) :]
        if rest and (module, rest[0]) not in seen:
            for target, alias in self.known[module]:
                if target is not None and alias == rest[0] and target != path:
                    return self.defining((*target, *rest[1:]), (*seen, (module, rest[0])))
                if alias == "*" and target is not None and self.has(target[:-1], rest[0]):
                    return self.defining((*target[:-1], *rest), (*seen, (module, rest[0])))
        return module

    def has(self, module, name):
        """Whether a module defines a name or hands it on."""
        if module not in self.modules:
            return False
        defined = rf"\b(?:struct|enum|trait|fn|type|const|static|union|mod)\s+{name}\b"
        return bool(re.search(defined, self.modules[module][1])) or any(alias == name for _, alias in self.known[module])

    def edges(self):
        edges = {}
        for name, (_, text) in self.modules.items():
            inline = re.findall(r"\b(?:crate|super|self)(?:::\w+)+", re.sub(r"\buse\s+[^;]*;", "", text))
            paths = [self.absolute(name, tuple(path.split("::"))) for path in inline]
            # What a module hands on, it does not use itself.
            body = re.sub(r"\bpub\s+use\s+[^;]*;", "", text)
            paths += [
                self.absolute(name, path)
                for use in re.findall(r"\buse\s+([^;]*;)", body)
                for path, _ in use_paths(TOKEN.findall(use))
            ]
            # Calls such as `child::function(..)` from the module that declares the child.
            for child in [other[-1] for other in self.modules if other[:-1] == name and other]:
                for found in re.findall(rf"(?<![:\w]){child}(?:::\w+)+", re.sub(r"\buse\s+[^;]*;", "", text)):
                    paths.append((*name, *found.split("::")))
            targets = {self.defining(path) for path in paths if path is not None} - {name}
            edges[name] = targets
        return edges


def circles(edges):
    """Strongly connected groups of more than one module (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(edges[node]):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            group = set(stack[stack.index(node) :])
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(group)

    for node in edges:
        if node not in index:
            visit(node)
    return found


def between_folders(edges):
    """For each parent the imports between its children, each child with all that lies below it."""
    for parent in sorted({name[:-1] for name in edges if name}):
        depth = len(parent)
        children = {name: set() for name in edges if name[:-1] == parent and name}
        for name, targets in edges.items():
            for target in targets:
                ends = [end[: depth + 1] for end in (name, target) if len(end) > depth and end[:depth] == parent]
                if len(ends) == 2 and ends[0] != ends[1]:
                    children[ends[0]].add(ends[1])
        yield children


def main():
    sys.setrecursionlimit(10_000)
    bad = count = 0
    roots = [*Path("crates").glob("*/src/lib.rs"), *Path("crates").glob("*/src/main.rs")]
    for root in sorted(roots):
        edges = Crate(root).edges()
        count += len(edges)
        for level, graph in [("files", edges), *(("folders", children) for children in between_folders(edges))]:
            for group in circles(graph):
                bad += 1
                print(f"{root}: circle of {len(group)} {level}")
                for module in sorted(group):
                    for target in sorted(graph[module] & group):
                        print(f"  {'::'.join(module) or 'crate'} -> {'::'.join(target) or 'crate'}")
    print(f"{count} modules, {bad} circles")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
