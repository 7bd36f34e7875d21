"""Exported files: their bytes, their names, and the Python that loads them."""

from __future__ import annotations

import csv
import hashlib
import re

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

RESNET = 'kind = "resnet"\ndepth = 8\nwidth = 4'
VIT = 'kind = "vit"\npatch = 8\nwidth = 32\ndepth = 2\nheads = 2\nhead_std = 0.5'
NETWORKS = {
    "linear": 'kind = "linear"',
    "mlp": 'kind = "mlp"\nhidden = [10, 7]',
    "mlp without hidden layers": 'kind = "mlp"\nhidden = []',
    "resnet with padding": RESNET,
    "resnet with projection": RESNET + '\nshortcut = "projection"',
    "resnet with an mlp": RESNET + '\nhead = "mlp"\nhead_width = 9',
    "resnet18": 'kind = "resnet"\ndepth = 18',
    "resnet18 with padding": 'kind = "resnet"\ndepth = 18\nwidth = 3\nshortcut = "padding"',
    "resnet18 of ImageNet": 'kind = "resnet"\ndepth = 18\nform = "imagenet"',
    "resnet50 of ImageNet with another width": 'kind = "resnet"\ndepth = 50\nform = "imagenet"\nwidth = 4',
    "resnet34 for small pictures": 'kind = "resnet"\ndepth = 34\nform = "small"\nwidth = 4\nhead = "mlp"',
    "vit": VIT,
    "vit with mean": VIT + '\npool = "mean"\nmlp_ratio = 1.5\nepsilon = 1e-5',
    "vit with an mlp": VIT + '\nqkv_bias = false\nhead = "mlp"',
}


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("ending", ["safetensors", "onnx"])
def test_equal_weights_give_equal_bytes(project, ending):
    project.pictures()
    project.recipe()
    for name in ("t", "u"):
        project.run("train", "r.toml", "--data", ".", "--out", f"runs/{name}")
    assert sha(project / "runs/t/best.safetensors") == sha(project / "runs/u/best.safetensors")
    files = [project / f"{number}.{ending}" for number in range(4)]
    for number, file in enumerate(files):
        project.run("export", "runs/t" if number % 2 else "runs/u", file)
    assert len({sha(file) for file in files}) == 1


def test_other_endings_are_refused(project):
    project.pictures()
    project.recipe()
    project.run("train", "r.toml", "--data", ".")
    for name in ("w.pth", "w.pt", "w.bin", "w", "w.safetensors.bak", "safetensors"):
        done = project.run("export", "runs/t", name, code=2)
        assert ".safetensors" in done.stderr and ".onnx" in done.stderr and name in done.stderr, done.stderr
        assert not (project / name).exists()
    before = sha(project / "runs/t/best.safetensors")
    done = project.run("export", "runs/t", "runs/t/best.safetensors", code=2)
    assert sha(project / "runs/t/best.safetensors") == before
    project.run("export", "runs/t", "W.SAFETENSORS")
    assert load_file(project / "W.SAFETENSORS")


def predicted(project, files, classes=("a", "b", "c")):
    """What the program predicts for pictures: `[pictures, classes]`."""
    rows = csv.DictReader(project.run("predict", "runs/t", *files, "--probabilities").stdout.splitlines())
    return np.array([[float(row[name]) for name in classes] for row in rows])


def opened(files):
    return [Image.open(name) for name in files]


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_the_printed_python_predicts_as_the_program_does(project, monkeypatch, network):
    project.pictures()
    project.recipe(network=network, epochs=2, more="[evaluation]\nbest = false")
    text = (project / "r.toml").read_text()
    (project / "r.toml").write_text(text.replace('soft-target-infonce"', 'soft-target-infonce"\ntemperature = 0.7'))
    project.run("train", "r.toml", "--data", ".")
    files = [str(file) for file in sorted((project / "d/val").rglob("*.png"))]
    other = [str(project.picture(f"{size[0]}.png", size=size)) for size in ((40, 24), (21, 50))]
    monkeypatch.chdir(project.folder)
    for file in ("w.safetensors", "w.onnx"):
        python = project.run("export", "runs/t", file).stdout
        assert len(python.splitlines()) <= 40
        space = {}
        exec(compile(python, "printed", "exec"), space)  # noqa: S102
        assert space["classes"] == ["a", "b", "c"] and space["temperature"] == 0.7
        found = np.asarray(space["probabilities"](opened(files)))
        np.testing.assert_allclose(found, predicted(project, files), rtol=1e-4, atol=2e-6)
        # Resized by another library: pixels may differ by one.
        found = np.asarray(space["probabilities"](opened(other)))
        np.testing.assert_allclose(found, predicted(project, other), atol=0.03)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
@pytest.mark.parametrize("size", [(16, 16), (24, 40)])
def test_onnx_is_the_network(project, monkeypatch, network, size):
    project.pictures(size=(size[1], size[0]))
    project.recipe(network=network, size=size, epochs=2, more="[evaluation]\nbest = false")
    project.run("train", "r.toml", "--data", ".")
    monkeypatch.chdir(project.folder)
    space = {}
    exec(project.run("export", "runs/t", "w.safetensors").stdout, space)  # noqa: S102
    project.run("export", "runs/t", "w.onnx")
    model = onnx.load("w.onnx")
    onnx.checker.check_model(model, full_check=True)
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert about["size"] == f"[{size[0]},{size[1]}]" and about["std"] == "[0.25,0.25,0.25]"
    session = onnxruntime.InferenceSession("w.onnx")
    assert [value.name for value in session.get_inputs()] == ["pictures"]
    assert session.get_inputs()[0].shape == ["batch", 3, *size]
    assert session.get_outputs()[0].shape == ["batch", 3]
    for batch in (1, 5):
        pictures = torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(batch))
        [found] = session.run(["logits"], {"pictures": pictures.numpy()})
        with torch.no_grad():
            expected = space["model"](pictures).numpy()
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_grey_pictures_and_classes_with_odd_names(project, monkeypatch):
    names = ["it's", 'say "so"', "日本\\n"]
    project.pictures(classes=names)
    project.recipe()
    text = (project / "r.toml").read_text()
    grey = "normalisation = { mean = [0.4], std = [0.3] }"
    (project / "r.toml").write_text(re.sub(r"normalisation = .*", grey, text))
    project.run("train", "r.toml", "--data", ".")
    files = [str(file) for file in sorted((project / "d/val").rglob("*.png"))]
    expected = predicted(project, files, sorted(names))
    monkeypatch.chdir(project.folder)
    for file in ('a b\'s "w".safetensors', "日本.onnx"):
        space = {}
        exec(project.run("export", "runs/t", file).stdout, space)  # noqa: S102
        assert space["classes"] == sorted(names)
        found = np.asarray(space["probabilities"](opened(files)))
        np.testing.assert_allclose(found, expected, atol=0.02)


def test_the_orientation_of_a_run_is_that_of_its_python(project, monkeypatch):
    project.pictures()
    project.recipe(data='path = "d"\nexif_orientation = true')
    # Hardly trained, so that the probabilities differ from 0 and 1.
    project.run("train", "r.toml", "--data", ".", "--set", "optimizer.learning_rate=1e-4")
    turned = Image.new("RGB", (16, 16), (220, 40, 40))
    turned.paste((40, 40, 220), (0, 0, 8, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(project / "turned.png", exif=exif)
    monkeypatch.chdir(project.folder)
    space = {}
    exec(project.run("export", "runs/t", "w.safetensors").stdout, space)  # noqa: S102
    found = np.asarray(space["probabilities"](opened(["turned.png"])))
    np.testing.assert_allclose(found, predicted(project, ["turned.png"]), rtol=1e-4, atol=2e-6)
    assert np.abs(found - np.asarray(space["probabilities"]([turned]))).max() > 1e-2
