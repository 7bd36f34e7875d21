"""Write the features of a pretrained network, for a classifier that `softnce train` trains on them in seconds.

    python extract_features.py OUT --model resnet50.a1_in1k --pictures photos                 # any model of timm
    python extract_features.py OUT --model body.onnx --pictures photos --size 160 --mean 127 --deviation 128

The pictures are `train/CLASS/*` and `test/CLASS/*` (also `val/CLASS/*`), the binary files of CIFAR-10 or CIFAR-100,
the idx files of MNIST and its like, or `optdigits.tra` and `optdigits.tes`. OUT gets, for each part, `PART.npy`
(float16, [pictures, features]) and `PART_labels.npy` (the class of each picture), and `classes.txt`. Then, in a recipe:

    [data]
    layout = "features"
    path = "OUT"

A part that is there already is kept, so that an interrupted extraction continues with the next part. `source.json` says
which network made the features; another one, or other settings, are refused. Needs numpy, pillow and tqdm, and
onnxruntime or timm.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Iterator, Optional

import numpy as np
from PIL import Image
from tqdm import tqdm

CIFAR_PIXELS = 3 * 32 * 32
# What `softnce train` reads as pictures, and the folders that it leaves out, in small letters.
ENDINGS = "jpg jpeg jpe jfif png bmp webp gif tif tiff ppm pgm pbm pnm".split()
LEFT_BEHIND = "__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information", "lost+found"


def main() -> None:
    arguments = parse()
    parts, classes = open_set(arguments.pictures, arguments.part)
    network, prepare, source = open_network(arguments)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    keep(out / "source.json", source)
    (out / "classes.txt").write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
    for part, (count, picture, labels) in parts.items():
        done = out / f"{part}.npy"
        if done.exists():
            print(f"{done} is there already", file=sys.stderr)
            continue
        rows: Optional[np.ndarray] = None
        # Written beside the final name and renamed, so that a file with the final name is always complete.
        partial = out / f"{part}.part.npy"
        for first in tqdm(range(0, count, arguments.batch), desc=part, unit="batch"):
            indices = range(first, min(first + arguments.batch, count))
            batch = np.stack([prepare(picture(index).convert("RGB")) for index in indices])
            features = network(batch)
            if rows is None:
                shape = (count, features.shape[1])
                rows = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=shape)
            rows[first : first + len(indices)] = features
        if rows is None:
            sys.exit(f"{part}: no pictures in {arguments.pictures}")
        rows.flush()
        np.save(out / f"{part}_labels.npy", np.asarray(labels[:count], dtype=np.int64))
        partial.rename(done)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path, help="folder for the features")
    parser.add_argument("--model", required=True, help="a model of timm, or an ONNX file from pictures to features")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--part", action="append", help="only this part (train, validation, test); may be repeated")
    parser.add_argument("--size", type=int, default=224, help="side of the network's input (ONNX) [default: 224]")
    parser.add_argument("--mean", type=float, nargs="+", default=[127.5], help="of pixels from 0 to 255 (ONNX)")
    parser.add_argument("--deviation", type=float, nargs="+", default=[127.5], help="of pixels from 0 to 255 (ONNX)")
    parser.add_argument("--batch", type=int, default=64, help="pictures at once [default: 64]")
    return parser.parse_args()


def open_network(arguments: argparse.Namespace):
    """The network as a function of float32 pictures [N, 3, H, W], a function that prepares a picture, and settings."""
    if arguments.model.endswith(".onnx"):
        import onnxruntime

        session = onnxruntime.InferenceSession(arguments.model, providers=onnxruntime.get_available_providers())
        name = session.get_inputs()[0].name
        source = {key: getattr(arguments, key) for key in ("model", "size", "mean", "deviation")}
        source["sha256"] = hashlib.sha256(Path(arguments.model).read_bytes()).hexdigest()
        settings = {"mean": np.float32(arguments.mean), "deviation": np.float32(arguments.deviation)}
        prepare = partial(prepared, size=arguments.size, **settings)
        return lambda batch: session.run(None, {name: batch})[0], prepare, source
    import timm
    import torch

    model = timm.create_model(arguments.model, pretrained=True, num_classes=0).eval()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device)
    config = timm.data.resolve_model_data_config(model)
    # Size, share of the picture that is kept, interpolation, mean and deviation as in the training of the network.
    transform = timm.data.create_transform(**config)

    @torch.inference_mode()
    def features(batch: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(batch).to(device)).float().cpu().numpy()

    return features, lambda picture: transform(picture).numpy(), {"model": arguments.model, **config}


def keep(path: Path, source: dict[str, object]) -> None:
    """Writes what the features are made with, or compares it with what earlier ones were made with."""
    text = json.dumps(source, indent=4)
    if not path.exists():
        if any(path.parent.glob("*.npy")):
            sys.exit(f"{path.parent} has features, and no {path.name} says how they were made: choose another folder")
        path.write_text(text + "\n", encoding="utf-8")
        return
    before, now = json.loads(path.read_text(encoding="utf-8")), json.loads(text)
    keys = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if keys:
        differing = ", ".join(f"{key} {before.get(key)} and not {now.get(key)}" for key in keys)
        sys.exit(f"{path.parent} has features made with {differing}: choose another folder")


def prepared(picture: Image.Image, size: int, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """The picture scaled until it covers a square, cropped to its centre and normalised: float32 [3, size, size]."""
    scale = size / min(picture.size)
    width, height = (max(size, round(side * scale)) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - size) // 2, (height - size) // 2
    pixels = np.asarray(picture.crop((left, top, left + size, top + size)), dtype=np.float32)
    return ((pixels - mean) / deviation).transpose(2, 0, 1)


def open_set(root: Path, wanted: Optional[list[str]]):
    """The parts of a set by name, and the names of its classes.

    A part is the number of its pictures, a function from an index to the picture, and the class of each.
    """
    for reader in (cifar, idx, optdigits, folders):
        found = reader(root)
        if found is not None:
            parts, classes = found
            for part in wanted or ():
                if part not in parts:
                    sys.exit(f"--part {part}: {root} has the parts {', '.join(parts)}")
            return {part: parts[part] for part in wanted or parts}, classes
    sys.exit(f"{root}: no train/CLASS/, no binary files of CIFAR, no idx files and no optdigits.tra")


def cifar(root: Path):
    """The binary files of CIFAR-10 (one label byte) and CIFAR-100 (two; the second is the class)."""
    hundred = {part: [root / f"{part}.bin"] for part in ("train", "test")}
    ten = {"train": sorted(root.glob("data_batch_*.bin")), "test": [root / "test_batch.bin"]}
    names, label, files = (
        ("fine_label_names.txt", 1, hundred) if hundred["test"][0].exists() else ("batches.meta.txt", 0, ten)
    )
    files = {part: paths for part, paths in files.items() if paths and all(path.exists() for path in paths)}
    if not files:
        return None
    parts = {}
    for part, paths in files.items():
        raw = np.concatenate([np.fromfile(path, dtype=np.uint8) for path in paths])
        records = raw.reshape(-1, label + 1 + CIFAR_PIXELS)
        pixels = records[:, label + 1 :].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        parts[part] = (len(pixels), lambda i, pixels=pixels: Image.fromarray(pixels[i]), records[:, label])
    count = 100 if label else 10
    known = (root / names).read_text(encoding="utf-8").split() if (root / names).exists() else []
    return parts, known if len(known) == count else [str(number) for number in range(count)]


def idx(root: Path):
    """The idx files of MNIST and its like, plain or packed by gzip."""

    def read(name: str) -> Optional[np.ndarray]:
        content = plain_or_packed(root / name)
        if content is None:
            return None
        first = 4 + 4 * content[3]
        return np.frombuffer(content[first:], dtype=np.uint8).reshape(np.frombuffer(content[4:first], dtype=">i4"))

    parts = {}
    for part, name in (("train", "train"), ("test", "t10k")):
        pixels, labels = read(f"{name}-images-idx3-ubyte"), read(f"{name}-labels-idx1-ubyte")
        if pixels is not None and labels is not None:
            parts[part] = (len(pixels), lambda i, pixels=pixels: Image.fromarray(pixels[i]), labels)
    if not parts:
        return None
    return parts, [str(number) for number in range(1 + max(int(labels.max()) for _, _, labels in parts.values()))]


def optdigits(root: Path):
    """The handwritten digits of UCI: lines of 64 brightnesses from 0 to 16 and the digit, plain or packed by gzip."""
    parts = {}
    for part, name in (("train", "optdigits.tra"), ("test", "optdigits.tes")):
        content = plain_or_packed(root / name)
        if content is not None:
            lines = np.array([line.split(",") for line in content.decode().split()], dtype=np.int64)
            pixels = (lines[:, :64] * 255 // 16).astype(np.uint8).reshape(-1, 8, 8)
            parts[part] = (len(pixels), lambda i, pixels=pixels: Image.fromarray(pixels[i]), lines[:, 64])
    return (parts, [str(digit) for digit in range(10)]) if parts else None


def plain_or_packed(path: Path) -> Optional[bytes]:
    """The content of a file, or of the file packed by gzip; None if neither exists."""
    packed = path.with_name(f"{path.name}.gz")
    if packed.exists():
        return gzip.decompress(packed.read_bytes())
    return path.read_bytes() if path.exists() else None


def folders(root: Path):
    """A folder for each class below a folder for each part, in the order of `softnce train` and of torchvision."""
    classes = sorted(path.name for path in root.glob("train/*") if path.is_dir() and not left_out(path.name))
    if not classes:
        return None
    parts = {}
    for part in ("train", "val", "test"):
        files = [(path, label) for label, name in enumerate(classes) for path in pictures(root / part / name)]
        if files:
            paths, labels = zip(*files)
            part = "validation" if part == "val" and (root / "test").is_dir() else "test" if part == "val" else part
            parts[part] = (len(paths), lambda i, paths=paths: Image.open(paths[i]), np.asarray(labels))
    return parts, classes


def pictures(root: Path) -> Iterator[Path]:
    """The pictures in a folder and all folders below it: a folder's own before those of the folders in it."""
    for folder, _, names in sorted(os.walk(root, followlinks=True)):
        if not any(left_out(name) for name in Path(folder).relative_to(root).parts):
            yield from (Path(folder, name) for name in sorted(names) if is_picture(name))


def left_out(name: str) -> bool:
    return name.startswith(".") or name.lower() in LEFT_BEHIND


def is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix[1:].lower() in ENDINGS


if __name__ == "__main__":
    main()
