"""Tests of the program as its users run it, on pictures and checkpoints made by the libraries that they use.

`SOFTNCE` names the program; default: `target/release/softnce` of this repository.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).parents[4]
COLOURS = [(220, 40, 40), (40, 220, 40), (40, 40, 220)]


def program() -> pathlib.Path:
    """The program under test. A missing one is an error, never a skipped test."""
    path = pathlib.Path(os.environ.get("SOFTNCE", ROOT / "target" / "release" / "softnce")).absolute()
    if not path.is_file():
        pytest.exit(f"{path} does not exist: build it with `cargo build --release`, or set SOFTNCE", returncode=1)
    return path


class Project:
    """A user's folder with pictures and recipes, in which the program runs."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.random = np.random.default_rng(0)

    def __truediv__(self, name: str) -> pathlib.Path:
        """A path in the folder."""
        return self.folder / name

    def environment(self) -> dict[str, str]:
        """The environment of the program, without settings of the person who runs the tests."""
        unset = ("RUST_LOG", "SOFTNCE_DATA")
        return {key: value for key, value in os.environ.items() if key not in unset}

    def run(self, *words: object, code: int | None = 0, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs the program in the folder and checks its exit code (`None`: any)."""
        command = [str(program()), *map(str, words)]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=timeout
        )
        if code is not None:
            assert done.returncode == code, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *words: object, **options: object) -> subprocess.Popen[str]:
        """Starts the program in the folder, for tests that send it signals."""
        command = [str(program()), *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment(), **{**pipes, **options})

    def picture(
        self, path: str, colour: tuple[int, int, int] = COLOURS[0], size: tuple[int, int] = (16, 16), **save: object
    ) -> pathlib.Path:
        """Writes a picture of one colour with noise; `size` is width and height, `save` goes to PIL."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        values = np.array(colour) + self.random.normal(0, 20, (size[1], size[0], 3))
        Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(file, **save)
        return file

    def pictures(
        self,
        folder: str = "d",
        classes: Sequence[str] = ("a", "b", "c"),
        parts: dict[str, int] | None = None,
        ending: str = "png",
        size: tuple[int, int] = (16, 16),
        **save: object,
    ) -> None:
        """Writes `FOLDER/PART/CLASS/NUMBER.ENDING`; `parts` gives the pictures of each class in each part."""
        for part, count in (parts or {"train": 12, "val": 3}).items():
            for index, name in enumerate(classes):
                for number in range(count):
                    colour = COLOURS[index % len(COLOURS)]
                    self.picture(f"{folder}/{part}/{name}/{number}.{ending}", colour, size, **save)

    def recipe(
        self,
        name: str = "r.toml",
        network: str = 'kind = "mlp"\nhidden = [16]',
        size: tuple[int, int] = (16, 16),
        epochs: int = 2,
        data: str = 'path = "d"',
        more: str = "",
    ) -> pathlib.Path:
        """Writes a recipe; `size` is height and width, `more` goes to its end (keys of `[training]`, or sections)."""
        file = self.folder / name
        file.write_text(
            f"""name = "t"
[data]
{data}
[augmentation]
size = [{size[0]}, {size[1]}]
normalisation = {{ mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25] }}
[network]
{network}
[loss]
kind = "soft-target-infonce"
[optimizer]
learning_rate = 1e-2
[schedule]
epochs = {epochs}
[training]
batch_size = 8
workers = 1
{more}
"""
        )
        return file

    def json(self, path: str) -> object:
        """The content of a JSON file."""
        return json.loads((self.folder / path).read_text())


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """An empty folder of a user."""
    return Project(tmp_path)
