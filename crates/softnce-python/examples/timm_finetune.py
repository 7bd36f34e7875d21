"""Trains or fine-tunes a timm model on images with soft target InfoNCE, or with the cross-entropy that it replaces.

Download Fashion-MNIST, then train a small network on it with each loss::

    python timm_finetune.py --download images
    python timm_finetune.py --data images/FashionMNIST/raw
    python timm_finetune.py --data images/FashionMNIST/raw --loss soft-target-cross-entropy

``--data`` also accepts a folder with ``train/CLASS/*.jpg`` and ``val/CLASS/*.jpg``. Fine-tune published weights on one
GPU in mixed precision, or on two GPUs::

    python timm_finetune.py --data flowers --model resnet50 --pretrained --img-size 224 --lr 1e-4 --amp
    torchrun --nproc-per-node 2 timm_finetune.py --data flowers --model resnet50 --pretrained --img-size 224 --lr 1e-4

A quick test on the CPU: ``--limit 2000 --epochs 2 --img-size 32``.

Besides softnce it needs ``pip install timm torchvision``.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from pathlib import Path

import numpy as np
import timm
import torch
import torch.distributed as dist
import torch.nn.functional as F
from PIL import Image
from timm.data import create_transform, resolve_model_data_config
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset, DistributedSampler, Subset
from torchvision.datasets import FashionMNIST, ImageFolder

from softnce.data import Mixup
from softnce.torch import SoftTargetCrossEntropy, SoftTargetInfoNCE

IDX_NAMES = {"train": "train", "val": "t10k"}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder with train/ and val/, or with Fashion-MNIST's four idx files")
    source.add_argument("--download", type=Path, help="download Fashion-MNIST to this folder and exit")
    add("--model", default="resnet10t", help="name of a timm model (default: %(default)s)")
    add("--pretrained", action="store_true", help="start from timm's published weights")
    add("--loss", default="soft-target-infonce", choices=["soft-target-infonce", "soft-target-cross-entropy"])
    add("--temperature", type=float, default=1.0, help="divides the logits in both losses (default: %(default)s)")
    add("--epochs", type=int, default=10)
    add("--batch-size", type=int, default=128, help="batch size of each process (default: %(default)s)")
    add("--lr", type=float, default=1e-3, help="initial learning rate of AdamW (default: %(default)s)")
    add("--mixup-alpha", type=float, default=0.2)
    add("--cutmix-alpha", type=float, default=1.0)
    add("--img-size", type=int, default=64, help="height and width of the images in pixels (default: %(default)s)")
    add("--limit", type=int, help="use at most this many images for training, and for evaluation")
    add("--workers", type=int, default=2, help="processes that load images (default: %(default)s)")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--amp", action="store_true", help="mixed precision with bfloat16")
    add("--seed", type=int, default=0)
    add("--save", type=Path, help="write the weights to this file")
    return parser.parse_args()


class IdxPictures(Dataset):
    """The images of Fashion-MNIST from the files of its publisher."""

    def __init__(self, folder: Path, split: str) -> None:
        self.pictures = read_idx(folder / f"{IDX_NAMES[split]}-images-idx3-ubyte")
        self.targets = read_idx(folder / f"{IDX_NAMES[split]}-labels-idx1-ubyte").astype(int).tolist()
        self.classes = FashionMNIST.classes
        self.transform = None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pictures[row]).convert("RGB")), self.targets[row]


def idx_file(path: Path) -> Path | None:
    return next((file for file in (path, Path(f"{path}.gz")) if file.exists()), None)


def read_idx(path: Path) -> np.ndarray:
    file = idx_file(path)
    if file is None:
        raise SystemExit(f"{path}[.gz] is missing")
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    # idx format: two zero bytes, the type (8: bytes), the number of axes, the length of each axis, the values.
    axes = data[3]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(np.frombuffer(data, ">i4", axes, 4))


def pictures(folder: Path, split: str, limit: int | None) -> tuple[Dataset, np.ndarray, list[str]]:
    """The images of a split, their labels and the class names; with a limit, a random subset."""
    if (folder / split).is_dir():
        dataset = ImageFolder(folder / split)
    elif idx_file(folder / f"{IDX_NAMES[split]}-images-idx3-ubyte"):
        dataset = IdxPictures(folder, split)
    else:
        raise SystemExit(f"{folder} has neither {split}/ nor the idx files of Fashion-MNIST")
    rows = np.random.RandomState(0).permutation(len(dataset))[:limit]
    return Subset(dataset, rows.tolist()), np.array(dataset.targets)[rows], dataset.classes


def train(
    model: torch.nn.Module,
    criterion: torch.nn.Module,
    mixup: Mixup,
    loader: DataLoader,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    device: torch.device,
    amp: bool,
) -> float:
    """Trains one epoch; returns the mean loss."""
    model.train()
    total = torch.zeros((), device=device)
    for x, labels in loader:
        x, targets = mixup(x.to(device, non_blocking=True), labels.to(device, non_blocking=True))
        with torch.autocast(device.type, torch.bfloat16, enabled=amp):
            loss = criterion(model(x), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        total += loss.detach()
    return float(total) / len(loader)


@torch.no_grad()
def evaluate(
    model: torch.nn.Module, temperature: torch.Tensor, loader: DataLoader, device: torch.device
) -> tuple[float, float, int]:
    """The number of correct predictions, the sum of -log probability and the number of images."""
    model.eval()
    hits, nll, count = 0.0, 0.0, 0
    for x, labels in loader:
        x, labels = x.to(device), labels.to(device)
        # The posterior is softmax(logits / temperature) for both losses.
        logits = model(x).float() / temperature
        hits += float((logits.argmax(1) == labels).sum())
        nll += float(F.cross_entropy(logits, labels, reduction="sum"))
        count += len(labels)
    return hits, nll, count


def main() -> None:
    args = arguments()
    if args.download:
        FashionMNIST(str(args.download), download=True)
        print(f"--data {args.download / 'FashionMNIST' / 'raw'}")
        return

    workers, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    device = torch.device(args.device)
    if workers > 1:
        if device.type == "cuda":
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    # Each process draws its own lambdas.
    torch.manual_seed(args.seed + rank)
    np.random.seed(args.seed + rank)

    train_set, labels, classes = pictures(args.data, "train", args.limit)
    val_set, _, val_classes = pictures(args.data, "val", args.limit)
    if val_classes != classes:
        raise SystemExit(f"{args.data}: val/ and train/ have different classes")
    model = timm.create_model(args.model, pretrained=args.pretrained, num_classes=len(classes)).to(device)
    look = {**resolve_model_data_config(model), "input_size": (3, args.img_size, args.img_size)}
    train_set.dataset.transform = create_transform(**look, is_training=True, scale=(0.5, 1.0), color_jitter=None)
    val_set.dataset.transform = create_transform(**look)
    sampler = DistributedSampler(train_set, workers, rank, seed=args.seed)
    loading = {"batch_size": args.batch_size, "num_workers": args.workers, "pin_memory": device.type == "cuda"}
    train_loader = DataLoader(train_set, sampler=sampler, drop_last=len(sampler) >= args.batch_size, **loading)
    val_loader = DataLoader(Subset(val_set, range(rank, len(val_set), workers)), **loading)
    wrapped = DistributedDataParallel(model) if workers > 1 else model

    mixup = Mixup(args.mixup_alpha, args.cutmix_alpha, num_classes=len(classes))
    if args.loss == "soft-target-infonce":
        counts = np.bincount(labels, minlength=len(classes))
        criterion = SoftTargetInfoNCE(noise_counts=counts, temperature=args.temperature).to(device)
    else:
        criterion = SoftTargetCrossEntropy(temperature=args.temperature).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), args.lr, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, args.epochs * len(train_loader))

    start = time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        epoch_start = time.perf_counter()
        sampler.set_epoch(epoch)
        loss = train(wrapped, criterion, mixup, train_loader, optimiser, schedule, device, args.amp)
        # The model without its wrapper, because the processes may evaluate different numbers of batches.
        sums = torch.tensor([loss / workers, *evaluate(model, criterion.temperature, val_loader, device)])
        if workers > 1:
            sums = sums.to(device)
            dist.all_reduce(sums)
        loss, hits, nll, count = sums.tolist()
        if rank == 0:
            result = f"top-1 {hits / count:.2%}, NLL {nll / count:.4f}"
            print(f"epoch {epoch}: loss {loss:.4f}, {result}, {time.perf_counter() - epoch_start:.1f} s", flush=True)
    if rank == 0:
        if args.save:
            torch.save(model.state_dict(), args.save)
        run = f"{args.model}, {args.loss}, {len(train_set)} images, {args.epochs} epochs, {workers} process(es)"
        print(f"{run}: {result}, {time.perf_counter() - start:.1f} s")
    if workers > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
