"""timm's own training script, which the environment variable TIMM_TRAIN names: no package contains it."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from PIL import Image


@pytest.mark.parametrize("optimiser", ["sgd", "adahessian"])
def test_train_script(example: Callable[..., str], optimiser: str, tmp_path: Path) -> None:
    script = Path(os.environ.get("TIMM_TRAIN", "")).resolve()
    assert script.is_file(), f"TIMM_TRAIN is {script}, expected timm's train.py, as .ci/run --full downloads it"
    source = np.random.default_rng(0)
    for split, count in (("train", 16), ("val", 4)):
        for label in range(3):
            folder = tmp_path / split / str(label)
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = source.integers(0, 60, (32, 32, 3), dtype=np.uint8) + np.uint8(90 * label)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    options = "--model resnet10t --num-classes 3 --img-size 32 --epochs 1 -b 16 --workers 0 --device cpu"
    # AdaHessian takes second derivatives.
    options += f" --opt {optimiser} --lr 0.01"
    mixing = "--mixup 0.8 --cutmix 1.0 --mixup-mode elem --smoothing 0.1 --experiment run --log-interval 1"
    example("timm_train.py", script, "--data-dir", tmp_path, "--output", tmp_path, *options.split(), *mixing.split())
    (row,) = csv.DictReader((tmp_path / "run" / "summary.csv").read_text().splitlines())
    # The loss of 16 rows among 16 candidates: log 16 at equal logits. Cross-entropy would be near log 3.
    assert abs(float(row["train_loss"]) - math.log(16)) < 0.3, row
    assert (tmp_path / "run" / "last.pth.tar").is_file()
