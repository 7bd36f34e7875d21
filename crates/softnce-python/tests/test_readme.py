"""The README's quick start runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def test_quick_start() -> None:
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    (quick_start,) = [block for block in blocks if "optimiser.step()" in block]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", quick_start], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"accuracy (\d\.\d+)", done.stdout.strip())
    assert found and float(found[1]) > 0.95, done.stdout
