"""The example that writes the features of a network reads the usual sets and writes what `softnce train` reads."""

from __future__ import annotations

import gzip
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


def extract(network: Path, pictures: Path, out: Path) -> None:
    command = [sys.executable, str(EXAMPLE), str(out), "--model", str(network), "--pictures", str(pictures)]
    command += ["--size", "8", "--mean", "0", "--deviation", "1", "--batch", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


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
