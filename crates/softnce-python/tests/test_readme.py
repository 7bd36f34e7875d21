"""The README's quick start runs as it stands, and its links work on a package index."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
README = (PACKAGE / "README.md").read_text(encoding="utf-8")


def test_links() -> None:
    text = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s*(\S+)|(?:href|src)=[\"']([^\"']+)", text, re.MULTILINE)
    targets = ["".join(link) for link in links]
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []
    root = PACKAGE.parents[1]
    if (root / ".git").exists():
        here = "https://github.com/softnce/softnce/blob/main/"
        paths = [target[len(here) :].split("#")[0] for target in targets if target.startswith(here)]
        assert [path for path in paths if not (root / path).is_file()] == []


def test_quick_start() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (quick_start,) = [block for block in blocks if "optimiser.step()" in block]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", quick_start], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"accuracy (\d\.\d+)", done.stdout.strip())
    assert found and float(found[1]) > 0.95, done.stdout


def test_many_classes() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if "optimizer.catch_up()" in block]
    checked = f"{block}\nassert best.indices.shape == (512, 5) and likelihood.shape == (512,)\n"
    done = subprocess.run([sys.executable, "-W", "error", "-c", checked], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
