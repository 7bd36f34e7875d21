"""The example that writes the features of a network reads the usual sets and writes what `softnce train` reads."""

from __future__ import annotations

import gzip
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "extract_features.py"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """An ONNX file whose features are the mean red, green and blue of a picture."""
    onnx = pytest.importorskip("onnx")
    for needed in ("onnxruntime", "PIL.Image", "tqdm"):
        pytest.importorskip(needed)
    pool = onnx.helper.make_node("ReduceMean", ["pictures"], ["features"], axes=[2, 3], keepdims=0)
    number = onnx.TensorProto.FLOAT
    pictures = onnx.helper.make_tensor_value_info("pictures", number, ["n", 3, "h", "w"])
    features = onnx.helper.make_tensor_value_info("features", number, ["n", 3])
    graph = onnx.helper.make_graph([pool], "mean", [pictures], [features])
    path = tmp_path / "mean.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def attempt(network: Path, pictures: Path, out: Path, *more: str) -> str:
    """What the example says on its way out; empty if it ends well."""
    command = [sys.executable, str(EXAMPLE), str(out), "--model", str(network), "--pictures", str(pictures)]
    command += ["--size", "8", "--mean", "0", "--deviation", "1", "--batch", "3", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return "" if done.returncode == 0 else done.stderr


def extract(network: Path, pictures: Path, out: Path, *more: str) -> None:
    assert attempt(network, pictures, out, *more) == ""


def paint(path: Path, red: int) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 8), (red, 0, 0)).save(path, format="png")


def test_folders(network: Path, tmp_path: Path) -> None:
    from PIL import Image

    for part, count in (("train", 4), ("val", 2), ("test", 1)):
        for label, name in enumerate(["ant", "bee"]):
            (tmp_path / "set" / part / name).mkdir(parents=True)
            for number in range(count):
                path = tmp_path / "set" / part / name / f"{number}.png"
                Image.new("RGB", (12, 8), (number, 100 * label, 7)).save(path)
    extract(network, tmp_path / "set", tmp_path / "out")
    rows, labels = np.load(tmp_path / "out/train.npy"), np.load(tmp_path / "out/train_labels.npy")
    assert rows.dtype == np.float16 and rows.shape == (8, 3)
    np.testing.assert_array_equal(rows[:, 1], 100 * labels)
    np.testing.assert_array_equal(rows[:, 0], [0, 1, 2, 3] * 2)
    assert np.load(tmp_path / "out/validation.npy").shape == (4, 3)
    assert (tmp_path / "out/classes.txt").read_text() == "ant\nbee\n"
    assert not list((tmp_path / "out").glob("*.part.npy"))


def test_nested_folders_are_in_the_order_of_the_program(network: Path, tmp_path: Path) -> None:
    root = tmp_path / "set/train"
    # As in `pictures_in_folders_below_a_class_belong_to_it` of crates/softnce-data/src/sets/layouts/tree.rs.
    order = ["ant/b.bmp", "ant/deep/a.JPG", "ant/deep-1/a.png", "ant/deep/er/a.png", "bee/1.png", "bee/a/2.jpeg"]
    for red, name in enumerate(order):
        paint(root / name, 10 * red)
    for name in ("ant/.hidden.png", "ant/.cache/a.png", "ant/@eaDir/a.png", ".cache/a.png", "__MACOSX/a.png"):
        paint(root / name, 255)
    (root / "ant/boxes.xml").write_text("no picture")
    (root / "bee/Thumbs.db").write_text("no picture")
    extract(network, tmp_path / "set", tmp_path / "out")
    np.testing.assert_array_equal(np.load(tmp_path / "out/train.npy")[:, 0], 10 * np.arange(6))
    np.testing.assert_array_equal(np.load(tmp_path / "out/train_labels.npy"), [0, 0, 0, 0, 1, 1])
    assert (tmp_path / "out/classes.txt").read_text() == "ant\nbee\n"


def test_parts_and_sources_are_checked(network: Path, tmp_path: Path) -> None:
    for part in ("train", "test"):
        paint(tmp_path / f"set/{part}/été/1.png", 7)
    pictures, out = tmp_path / "set", tmp_path / "out"
    assert f"--part trian: {pictures} has the parts train, test" in attempt(network, pictures, out, "--part", "trian")
    assert not out.exists()
    extract(network, pictures, out, "--part", "train")
    assert (out / "classes.txt").read_bytes() == "été\n".encode()
    differs = attempt(network, pictures, out, "--size", "4", "--mean", "1")
    assert f"{out} has features made with mean [0.0] and not [1.0], size 8 and not 4: choose" in differs
    other = tmp_path / "other.onnx"
    other.write_bytes(network.read_bytes())
    assert f"model {network} and not {other}" in attempt(other, pictures, out)
    assert not (out / "test.npy").exists()
    extract(network, pictures, out)
    assert np.load(out / "test.npy").shape == (1, 3)
    (out / "source.json").unlink()
    assert "no source.json says how they were made" in attempt(network, pictures, out)


def test_pictures_of_timm_are_prepared_as_in_its_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timm, torch = pytest.importorskip("timm"), pytest.importorskip("torch")
    for needed in ("PIL.Image", "tqdm", "torchvision"):
        pytest.importorskip(needed)
    from PIL import Image

    path = tmp_path / "set/train/ant/1.png"
    path.parent.mkdir(parents=True)
    noise = np.random.default_rng(3).integers(256, size=(90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    config = {"input_size": (3, 32, 32), "crop_pct": 0.5, "interpolation": "bilinear", "mean": (0.1, 0.2, 0.3)}
    network = torch.nn.AdaptiveAvgPool2d(4)
    network.pretrained_cfg = {**config, "std": (0.5, 0.5, 0.5), "crop_mode": "center"}
    model = torch.nn.Sequential(network, torch.nn.Flatten())
    model.pretrained_cfg = network.pretrained_cfg
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, num_classes: model)
    command = [str(EXAMPLE), str(tmp_path / "out"), "--model", "any", "--pictures", str(tmp_path / "set")]
    monkeypatch.setattr(sys, "argv", command)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    # The shorter side is scaled to 32 / 0.5, and the middle 32 x 32 are kept.
    scaled = Image.fromarray(noise).resize((85, 64), Image.Resampling.BILINEAR)
    pixels = np.asarray(scaled.crop((26, 16, 58, 48)), dtype=np.float32) / 255
    expected = ((pixels - [0.1, 0.2, 0.3]) / 0.5).reshape(4, 8, 4, 8, 3).mean((1, 3)).transpose(2, 0, 1)
    np.testing.assert_allclose(np.load(tmp_path / "out/train.npy")[0], expected.ravel(), atol=5e-3)


def test_cifar_idx_and_digits(network: Path, tmp_path: Path) -> None:
    hundred = tmp_path / "hundred"
    hundred.mkdir()
    for part, count in (("train", 5), ("test", 2)):
        records = np.zeros((count, 2 + 3072), np.uint8)
        records[:, 1] = np.arange(count)
        records[:, 2 : 2 + 1024] = 10 * np.arange(count)[:, None]
        records.tofile(hundred / f"{part}.bin")
    extract(network, hundred, tmp_path / "a")
    np.testing.assert_array_equal(np.load(tmp_path / "a/train.npy")[:, 0], 10 * np.arange(5))
    np.testing.assert_array_equal(np.load(tmp_path / "a/test_labels.npy"), [0, 1])
    grey = tmp_path / "grey"
    grey.mkdir()
    pixels, labels = np.full((3, 8, 8), 9, np.uint8), np.array([2, 0, 1], np.uint8)
    for name, array in (("images-idx3", pixels), ("labels-idx1", labels)):
        shape = b"".join(side.to_bytes(4, "big") for side in array.shape)
        (grey / f"train-{name}-ubyte").write_bytes(bytes([0, 0, 8, array.ndim]) + shape + array.tobytes())
    extract(network, grey, tmp_path / "b")
    np.testing.assert_array_equal(np.load(tmp_path / "b/train.npy"), np.full((3, 3), 9))
    np.testing.assert_array_equal(np.load(tmp_path / "b/train_labels.npy"), labels)
    digits = tmp_path / "digits"
    digits.mkdir()
    lines = "".join(f"{','.join(['16'] * 64)},{label}\n" for label in (7, 3))
    (digits / "optdigits.tra.gz").write_bytes(gzip.compress(lines.encode()))
    extract(network, digits, tmp_path / "c")
    np.testing.assert_array_equal(np.load(tmp_path / "c/train.npy"), np.full((2, 3), 255))
    np.testing.assert_array_equal(np.load(tmp_path / "c/train_labels.npy"), [7, 3])
