"""The example trains a timm model on a folder of pictures, under either loss."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "timm_finetune.py"


@pytest.mark.parametrize("loss", ["soft-target-infonce", "soft-target-cross-entropy"])
def test_timm_finetune(loss: str, tmp_path: Path) -> None:
    pytest.importorskip("timm")
    pictures = pytest.importorskip("PIL.Image")
    source = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4)):
        for label, name in enumerate(["dark", "light"]):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = source.integers(0, 60, (32, 32, 3), dtype=np.uint8) + np.uint8(180 * label)
                pictures.fromarray(pixels).save(folder / f"{number}.png")
    command = [sys.executable, str(EXAMPLE), "--data", str(tmp_path), "--loss", loss, "--epochs", "2"]
    command += ["--batch-size", "8", "--img-size", "32"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^epoch \d", done.stdout, re.MULTILINE)) == 2, done.stdout
