"""Runs the tests of the Triton kernels in Triton's interpreter, which must be chosen before they are imported."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.glob("test_triton_*.py"))


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
@pytest.mark.skipif("TRITON_INTERPRET" in os.environ, reason="runs in the interpreter already")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_in_the_interpreter(path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", str(path)]
    run = subprocess.run(
        command, cwd=path.parent.parent, env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
