"""The example with many classes learns from generated data and from files, with weights in memory and in a file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Tuple

import numpy as np
import pytest

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "many_classes.py"


def attempt(*arguments: object) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("tqdm")
    pytest.importorskip("resource")
    command = [sys.executable, str(EXAMPLE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def learned(*arguments: object) -> Tuple[float, float]:
    """The top-1 accuracy, and how much likelier than by frequency the classes are."""
    done = attempt(*arguments)
    assert done.returncode == 0, done.stderr
    assert "training" in done.stderr and re.search(r"^memory \d", done.stdout, re.MULTILINE), done.stdout
    found = re.search(r"top-1 (\S+) %, log likelihood (\S+) \((\S+) by frequency\)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1]), float(found[2]) - float(found[3])


@pytest.mark.parametrize("more", [["--candidates", "200"], ["--candidates", "batch", "--dtype", "bfloat16"]])
def test_generated_data(more: list) -> None:
    top, gain = learned("--classes", 5000, "--width", 32, "--steps", 150, "--batch", 256, *more)
    # The most frequent class has 1.6 % of the rows.
    assert top > 20 and gain > 1


def test_files(tmp_path: Path) -> None:
    source = np.random.default_rng(0)
    centres, labels = source.normal(size=(50, 16)), source.integers(0, 50, 2000)
    np.save(tmp_path / "rows.npy", (centres[labels] + 0.1 * source.normal(size=(2000, 16))).astype(np.float16))
    np.save(tmp_path / "classes.npy", labels)
    files = ["--features", tmp_path / "rows.npy", "--labels", tmp_path / "classes.npy"]
    weights = ["--weight-file", tmp_path / "weight.bin", "--optimizer", "adamw", "--lr", 0.02]
    top, gain = learned(*files, *weights, "--steps", 60, "--batch", 100, "--candidates", 30, "--evaluated", 200)
    assert top > 95 and gain > 1
    assert (tmp_path / "weight.bin").stat().st_size == 50 * 16 * 4
    np.save(tmp_path / "classes.npy", labels[:-1])
    assert "--features is [2000, 16] and --labels is [1999], expected" in attempt(*files).stderr
    assert "--candidates is 'some', expected batch or a number" in attempt("--candidates", "some").stderr
