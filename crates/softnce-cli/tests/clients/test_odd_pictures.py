"""Pictures of many kinds are decoded to the pixels that Pillow and torchvision give, and are trained on."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import warnings

import numpy as np
import odd_pictures
import pytest
from conftest import program
from PIL import Image, ImageOps

#: Formats whose decoders may differ, with the largest difference of a value from Pillow's. All others are equal.
BOUNDS = {"webp rgb.webp": 0, "webp rgba.webp": 0}


def decoded(folder, out, *flags):
    """What the program makes of the pictures in a folder: pixels or an error by path."""
    example = program().parent / "examples" / "decode_pictures"
    assert example.is_file(), (
        f"{example} does not exist: build it with `cargo build --release --examples -p softnce-data`"
    )
    lines = subprocess.run([example, folder, out, *flags], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in lines.splitlines():
        number, *size, path = line.split("\t")
        if len(size) == 1:
            found[path] = size[0]
        else:
            values = np.fromfile(out / f"{number}.rgb", np.uint8)
            found[path] = values.reshape(int(size[0]), int(size[1]), 3)
    return found


def expected(path, turned=False):
    """Pillow's pixels."""
    with warnings.catch_warnings(), Image.open(path) as image:
        warnings.simplefilter("ignore")
        return np.asarray((ImageOps.exif_transpose(image) if turned else image).convert("RGB"))


@pytest.mark.parametrize("turned", [False, True])
def test_pixels_are_those_of_pillow(project, turned):
    paths = odd_pictures.write(project / "d")
    assert len(paths) >= 200
    found = decoded(project / "d", project / "out", *(["--exif"] if turned else []))
    assert len(found) == len(paths)
    wrong = []
    for path in paths:
        pixels, pillow = found[str(path)], expected(path, turned)
        if isinstance(pixels, str):
            wrong.append(f"{path.name}: {pixels}")
        elif pixels.shape != pillow.shape:
            wrong.append(f"{path.name}: shape {pixels.shape}; expected {pillow.shape}")
        else:
            largest = int(np.abs(pixels.astype(int) - pillow).max())
            if largest > BOUNDS.get(path.name, 0):
                wrong.append(f"{path.name}: differs by up to {largest}")
    assert not wrong, "\n".join(wrong)


def test_odd_pictures_are_trained_on(project):
    paths = odd_pictures.write(project / "d")
    project.recipe(data='path = "d"\ntest_share = 0.2\nexif_orientation = true')
    done = project.run("train", "r.toml", "--data", ".")
    assert "cannot be decoded" not in done.stderr
    run = project.json("runs/t/run.json")
    assert sum(run["pictures"]) == len(paths) and run["classes"] == ["b", "cl\u00e4ss a"]
    assert "exif_orientation = true" in (project / "runs/t/recipe.toml").read_text()
    rows = list(csv.DictReader(io.StringIO(project.run("predict", "runs/t", "d").stdout)))
    assert {row["picture"] for row in rows} == {str(path.relative_to(project.folder)) for path in paths}
    listed = list(csv.DictReader(io.StringIO(project.run("data", "info", "d", "--list").stdout)))
    assert [row["row"] for row in listed] == [str(row) for row in range(len(paths))]
    assert {(row["class"], row["picture"]) for row in listed} == {
        (path.parent.name, f"{path.parent.name}/{path.name}") for path in paths
    }


def test_the_orientation_of_a_run_is_that_of_its_predictions(project):
    """A picture that is only told from another by its orientation."""
    left = np.zeros((16, 16, 3), np.uint8)
    left[:, :8] = 255
    for part, count in (("train", 12), ("val", 4)):
        for number in range(count):
            for name, orientation in (("left", 1), ("right", 3)):
                folder = project / f"d/{part}/{name}"
                folder.mkdir(parents=True, exist_ok=True)
                exif = odd_pictures.exif(orientation)
                Image.fromarray(left).save(folder / f"{number}.jpg", exif=exif, quality=100 - number)
    accuracy = {}
    for turned in ("true", "false"):
        project.recipe(epochs=20, data=f'path = "d"\nexif_orientation = {turned}')
        out = f"runs/{turned}"
        project.run("train", "r.toml", "--data", ".", "--out", out)
        rows = list(csv.DictReader(io.StringIO(project.run("predict", out, "d/val").stdout)))
        accuracy[turned] = sum(row["class"] == row["picture"].split("/")[2] for row in rows) / len(rows)
        report = json.loads((project / out / "metrics.json").read_text())
        assert abs(report["result"]["overall"]["top1"] - accuracy[turned]) < 1e-9
    assert accuracy == {"true": 1.0, "false": 0.5}


def test_bad_pictures_are_named_at_once_or_left_out(project):
    project.pictures()
    bad = {
        "d/train/a/0.png": b"no picture",
        "d/train/b/3.png": b"",
        "d/val/c/1.png": (project / "d/val/c/1.png").read_bytes()[:200],
    }
    for path, content in bad.items():
        (project / path).write_bytes(content)
    cut = project.picture("d/train/c/cut.jpg", size=(64, 64))
    cut.write_bytes(cut.read_bytes()[:900])
    bad["d/train/c/cut.jpg"] = b""
    project.recipe()
    for words in (["train", "r.toml", "--data", "."], ["data", "info", "d", "--all"]):
        error = project.run(*words, code=1).stderr
        assert all(path in error for path in bad), error
        assert "4 of 46 pictures cannot be decoded" in error, error
        assert error.count("d/train/a/0.png") == 1 and 'data.bad_pictures = "skip"' in error, error
    # Labels of all rows, also those of the pictures that are left out.
    rows = "1,0,0\n" * 12 + "0,1,0\n" * 12 + "0,0,1\n" * 13
    file = project / "labels.csv"
    file.write_text(rows)
    labels = f"train_labels = {{ kind = 'csv', path = '{file}' }}"
    for extra in ("", labels):
        project.recipe(data=f'path = "d"\nbad_pictures = "skip"\nvalidation_share = 0.2\n{extra}')
        out = f"runs/{bool(extra)}"
        error = project.run("train", "r.toml", "--data", ".", "--out", out).stderr
        assert "3 of 37 pictures cannot be decoded and are left out" in error, error
        run = project.json(f"{out}/run.json")
        assert run["left_out"]["count"] == 4 and sum(run["pictures"]) == 42, run
        assert {picture["picture"].removeprefix("./") for picture in run["left_out"]["pictures"]} == set(bad)


def test_a_jpeg_without_its_end_marker_is_good(project):
    project.pictures()
    project.recipe()
    project.run("train", "r.toml", "--data", ".")
    whole = project.picture("x.jpg", size=(40, 40))
    for end in (b"", bytes(300), b"junk"):
        (project / "y.jpg").write_bytes(whole.read_bytes()[:-2] + end)
        rows = project.run("predict", "runs/t", "x.jpg", "y.jpg", "--probabilities").stdout.splitlines()
        assert rows[1].split(",")[1:] == rows[2].split(",")[1:], rows


def test_tiny_imagenet_with_its_validation_pictures_in_folders(project):
    root = project / "tiny-imagenet-200"
    for number, name in enumerate(("n01", "n02")):
        for count in range(6):
            project.picture(
                f"tiny-imagenet-200/train/{name}/images/{name}_{count}.JPEG", [(220, 40, 40), (40, 220, 40)][number]
            )
        for count in range(2):
            project.picture(f"tiny-imagenet-200/val/{name}/images/val_{number}{count}.JPEG")
    (root / "wnids.txt").write_text("n01\nn02\n")
    (root / "words.txt").write_text("n01\tant\nn02\tbee\n")

    def counts(*words):
        table = project.run("data", "info", "tiny-imagenet-200", *words).stdout
        return [line.split()[1:] for line in table.splitlines() if line.startswith("pictures")]

    assert counts() == [["12", "4"]] == counts("--layout", "tree")
    for name in ("n01", "n02"):
        for file in list((root / "val" / name / "images").iterdir()):
            file.rename(root / "val" / name / file.name)
        (root / "val" / name / "images").rmdir()
    assert counts() == [["12", "4"]] == counts("--layout", "tree")


@pytest.mark.parametrize("name", ["val", "valid", "validation", "dev", "Validation"])
def test_three_parts(project, name):
    project.pictures(parts={"train": 10, name: 3, "test": 5})
    project.recipe()
    error = project.run("train", "r.toml", "--data", ".").stderr
    assert project.json("runs/t/run.json")["pictures"] == [30, 9, 15]
    assert "validating on the 9 pictures of the set's validation part" in error, error
    table = project.run("data", "info", "d").stdout
    assert ["train", "validation", "test"] in [line.split() for line in table.splitlines()], table


def test_what_is_not_read_is_named(project):
    project.pictures()
    for path in ("readme.txt", "train/readme.txt", "train/a/readme.txt"):
        (project / "d" / path).write_text("text")
    project.picture("d/train/__MACOSX/._x.png")
    project.picture("d/train/a/.ipynb_checkpoints/0-checkpoint.png")
    (project / "d/train/empty").mkdir()
    (project / "d/holdout").mkdir()
    (project / "d/train/a/loop").symlink_to(project / "d")
    (project / "d/train/b/again").symlink_to(project / "d/train/b")
    project.recipe()
    names = ("readme.txt", "a/readme.txt", "__MACOSX", "a/.ipynb_checkpoints", "a/loop", "b/again", "holdout")
    for words in (["train", "r.toml", "--data", "."], ["data", "info", "d"], ["eval", "runs/t", "--data", "."]):
        error = project.run(*words).stderr
        assert all(name in error for name in names), error
        assert "no pictures of empty" in error, error
    assert project.json("runs/t/run.json")["classes"] == ["a", "b", "c", "empty"]
    done = project.run("predict", "runs/t", "d/train/a", "d/train/b")
    assert len(done.stdout.splitlines()) == 25, done.stdout
    assert "d/train/a: " in done.stderr and "readme.txt" in done.stderr and "loop" in done.stderr, done.stderr


def test_a_set_without_a_part_for_testing_names_the_share(project):
    project.pictures(parts={"train": 10})
    project.recipe()
    error = project.run("train", "r.toml", "--data", ".", code=2).stderr
    assert "data.test_share" in error, error
    assert "Traceback" not in error
    project.run("train", "r.toml", "--data", ".", "--set", "data.test_share=0.2")


def test_the_limit_of_pixels_names_its_size_and_the_key(project):
    project.pictures()
    project.recipe()
    project.picture("d/val/a/large.png", size=(64, 64))
    error = project.run(
        "train", "r.toml", "--data", ".", "--out", "runs/u", "--set", "data.max_pixels=4095", code=1
    ).stderr
    assert "64 x 64 are 4096 pixels; expected at most 4095" in error and "data.max_pixels" in error, error
    project.run("train", "r.toml", "--data", ".", "--out", "runs/v", "--set", "data.max_pixels=4096")
    error = project.run("data", "info", "d", "--all", "--max-pixels", "4095", code=1).stderr
    assert "large.png" in error, error
