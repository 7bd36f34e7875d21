#!/usr/bin/env python3
"""Builds the site of the Python package: python docs/build.py FOLDER.

The start page is README.md. Every public module has a page with everything that its ``__all__`` names, so a new name
needs no change here. The sources are read, not imported: neither PyTorch nor the native module is needed. Warnings are
errors, as are public names without a docstring and docstrings that do not fit their function.
"""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import griffe

PACKAGE = Path(__file__).resolve().parents[1]
SOURCES = PACKAGE / "python"
ROLES = PACKAGE / "docs/roles.py"
CONFIGURATION = """\
[project]
site_name = "softnce"
site_description = "Classification losses for soft targets, for PyTorch, JAX and NumPy"
site_url = "https://softnce.github.io/softnce/"
repo_url = "https://github.com/softnce/softnce"
repo_name = "softnce/softnce"
edit_uri = ""
docs_dir = "pages"
site_dir = "site"
nav = [{nav}]

[project.theme]
# Nothing is loaded from other servers.
font = false
features = ["content.code.copy", "navigation.footer", "navigation.top", "toc.follow"]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"
toggle.icon = "lucide/sun"
toggle.name = "Dark"

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
toggle.icon = "lucide/moon"
toggle.name = "Light"

[project.plugins.mkdocstrings.handlers.python]
paths = ["{sources}"]

[project.plugins.mkdocstrings.handlers.python.options]
extensions = ["{roles}"]
docstring_style = "google"
# build.py itself refuses what these warn of: with --strict they would not fail the build.
docstring_options = { warn_unknown_params = false, warn_missing_types = false }
heading_level = 2
members_order = "source"
merge_init_into_class = true
separate_signature = true
show_root_full_path = false
show_root_heading = true
show_signature_annotations = true
show_source = false
show_symbol_type_heading = true
"""


class Warnings(logging.Handler):
    """Collects what Griffe says about docstrings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []
        logging.getLogger("griffe").addHandler(self)
        logging.getLogger("griffe").propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Called for every message."""
        self.messages.append(record.getMessage())

    def about(self, item: griffe.Object) -> list[str]:
        """What is wrong in a docstring. One entry may describe several arguments: ``a, b:``."""
        self.messages.clear()
        item.docstring.parse("google")
        taker = item.members.get("__init__", item) if item.is_class else item
        taker = taker.final_target if taker.is_alias else taker
        known = {parameter.name.lstrip("*") for parameter in getattr(taker, "parameters", ())}
        found = []
        for message in self.messages:
            named = re.search(r"[Pp]arameter '(.*?)'", message)
            if not (named and "," in named[1] and known.issuperset(named[1].split(", "))):
                found.append(message)
        return found


def public_modules(package: griffe.Module) -> list[griffe.Module]:
    """The package and its public modules, one level deep: what users import from."""
    modules = [module for name, module in sorted(package.modules.items()) if not name.startswith("_")]
    return [package, *modules]


def exports(module: griffe.Module) -> list[str]:
    """The names of ``__all__``."""
    if module.exports is None:
        raise SystemExit(f"{module.path} has no __all__ that can be read without running it")
    return sorted((str(name) for name in module.exports), key=lambda name: (name.islower(), name))


def problems(module: griffe.Module, warnings: Warnings) -> list[str]:
    """Public names that do not exist or have no docstring, and docstrings that do not fit."""
    found = []
    for name in exports(module):
        try:
            item = module[name]
            item = item.final_target if item.is_alias else item
        except (KeyError, griffe.AliasResolutionError, griffe.CyclicAliasError):
            found.append(f"{module.path}.{name} is in __all__, but the sources do not define it")
            continue
        if item.is_attribute:
            continue
        members = [item]
        if item.is_class:
            members += [
                member for key, member in item.members.items() if member.is_function and not key.startswith("_")
            ]
        for member in members:
            if member.docstring is None:
                found.append(f"{member.path} has no docstring")
            else:
                found += warnings.about(member)
    return found


def page(module: griffe.Module) -> str:
    """A page in Markdown: the docstring of the module, and a reference for each of its names."""
    introduction = module.docstring.value if module.docstring else ""
    names = [name for name in exports(module) if name != "__version__"]
    return "\n\n".join([f"# {module.path}", introduction, *(f"::: {module.path}.{name}" for name in names)]) + "\n"


def build(out: Path) -> None:
    """Builds the site in a folder of its own and moves it to ``out``."""
    package = griffe.load(
        "softnce",
        search_paths=[SOURCES],
        extensions=griffe.load_extensions(ROLES),
        allow_inspection=False,
        resolve_aliases=True,
    )
    modules = public_modules(package)
    warnings = Warnings()
    found = [problem for module in modules for problem in problems(module, warnings)]
    if found:
        raise SystemExit("\n".join(found))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pages = folder / "pages"
        pages.mkdir()
        shutil.copy(PACKAGE / "README.md", pages / "index.md")
        nav = ['{ "Start" = "index.md" }']
        for module in modules:
            file = f"{module.path}.md"
            (pages / file).write_text(page(module), encoding="utf-8")
            nav.append(f'{{ "{module.path}" = "{file}" }}')
        configuration = CONFIGURATION.replace("{nav}", ", ".join(nav)).replace("{sources}", SOURCES.as_posix())
        configuration = configuration.replace("{roles}", ROLES.as_posix())
        (folder / "zensical.toml").write_text(configuration, encoding="utf-8")
        command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        sys.stdout.write(done.stdout)
        if done.returncode != 0:
            raise SystemExit("zensical build --strict failed")
        check(folder / "site", modules)
        if out.exists():
            shutil.rmtree(out)
        shutil.copytree(folder / "site", out)
    print(f"{len(modules) + 1} pages in {out}")


def check(site: Path, modules: list[griffe.Module]) -> None:
    """Every public name is on its page."""
    for module in modules:
        html = (site / module.path / "index.html").read_text(encoding="utf-8")
        for name in exports(module):
            if name != "__version__" and f'id="{module.path}.{name}"' not in html:
                raise SystemExit(f"the page of {module.path} has no section for {name}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python docs/build.py FOLDER")
    build(Path(sys.argv[1]).resolve())
