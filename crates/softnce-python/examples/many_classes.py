"""Train a classifier over a million classes and more on one CPU, with soft targets, without ever forming the logits.

    python many_classes.py                                         # generated data, 1,000,000 classes
    python many_classes.py --classes 10000000 --optimizer adagrad --dtype bfloat16
    python many_classes.py --features rows.npy --labels classes.npy   # embeddings [rows, D] and classes [rows]
    python many_classes.py --weight-file weight.bin                # weights in a file, which may exceed memory

The head computes only the classes that occur in the batch (`--candidates batch`) or that are drawn
(`--candidates 1024`: sampled softmax), and the optimiser of its rows touches only them, so that the time of a step does
not depend on the number of classes. Generated classes have a long tail: class k comes with a probability proportional
to 1 / (k + 10), its features are those of its centre with noise, and a target gives a tenth of its weight to the next
class. At the end the exact top-1 accuracy and log likelihood over all classes are computed in blocks. Needs tqdm.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path
from typing import Callable, NamedTuple, Tuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from softnce.head import InfoNCEHead
from softnce.optim import RowAdagrad, RowAdamW, RowSGD
from softnce.torch import ClassCandidates, MixedTargets

OPTIMIZERS = {
    "adamw": lambda rows, lr, **options: RowAdamW(rows, lr=lr, weight_decay=1e-4, **options),
    "adagrad": lambda rows, lr, **options: RowAdagrad(rows, lr=lr, **options),
    "sgd": lambda rows, lr, **options: RowSGD(rows, lr=lr, momentum=0.9, **options),
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Data(NamedTuple):
    """What to train and evaluate on."""

    #: The features [N, D] and targets of a step.
    batch: Callable[[int], Tuple[Tensor, MixedTargets]]
    #: Features and classes to evaluate on.
    test: Tuple[Tensor, Tensor]
    #: How often each class occurs, [d].
    counts: Tensor


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    data = generated(arguments) if arguments.features is None else embeddings(arguments)
    dtype, num_classes = DTYPES[arguments.dtype], len(data.counts)
    is_new = arguments.weight_file is None or not arguments.weight_file.exists()
    head = InfoNCEHead(
        data.test[0].shape[1],
        num_classes,
        bias=not arguments.normalize,
        noise_counts=data.counts,
        candidates=None if arguments.candidates == "batch" else ClassCandidates(int(arguments.candidates)),
        normalize=arguments.normalize,
        temperature=0.05 if arguments.normalize else 1.0,
        init_std=0.0,
        weight_file=arguments.weight_file,
        dtype=dtype,
    )
    if head.offsets is not None and is_new:
        # The head then begins as the model that knows only how often each class occurs.
        with torch.no_grad():
            head.offsets.weight[:, 0] = head.noise_probs.log()
    optimizer = OPTIMIZERS[arguments.optimizer](head.parameters(), arguments.lr, state_dtype=dtype)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=arguments.steps)
    losses, times = [], []
    progress = tqdm(range(arguments.steps), desc="training", unit="step", mininterval=1.0)
    for step in progress:
        features, targets = data.batch(step)
        start = time.perf_counter()
        loss = head(features.to(dtype), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        times.append(time.perf_counter() - start)
        losses.append(loss.item())
        if step % 20 == 0:
            progress.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}")
    optimizer.catch_up()
    features, labels = data.test[0].to(dtype), data.test[1]
    right = (head.top_k(features, 1).indices[:, 0] == labels).float().mean().item()
    likelihood = head.log_likelihood(features, labels).mean().item()
    alone = head.noise_probs[labels].log().mean().item()
    tenth = max(1, len(losses) // 10)
    print(f"loss {np.mean(losses[:tenth]):.3f} in the first tenth of the steps, {np.mean(losses[-tenth:]):.3f} at last")
    print(
        f"top-1 {100 * right:.2f} %, log likelihood {likelihood:.3f} ({alone:.3f} by frequency), {len(labels)} new rows"
    )
    print(f"step {1e3 * float(np.median(times)):.1f} ms: {num_classes:,} classes, {arguments.batch} rows")
    print(f"memory {peak_memory():.2f} GiB at most")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--classes", type=int, default=1_000_000, help="classes of generated data [default: 1000000]")
    parser.add_argument("--width", type=int, default=64, help="features of generated data [default: 64]")
    parser.add_argument("--features", type=Path, help="an .npy file [rows, D] to train on instead")
    parser.add_argument("--labels", type=Path, help="an .npy file [rows] with their classes")
    parser.add_argument("--steps", type=int, default=1000, help="[default: 1000]")
    parser.add_argument("--batch", type=int, default=512, help="rows of a step [default: 512]")
    parser.add_argument("--evaluated", type=int, default=512, help="rows to evaluate on [default: 512]")
    parser.add_argument("--candidates", default="1024", help="batch, or a number of drawn classes [default: 1024]")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adagrad", help="of the rows [default: adagrad]")
    parser.add_argument("--lr", type=float, default=0.2, help="learning rate at first [default: 0.2]")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="of weights and states [default: float32]")
    parser.add_argument("--normalize", action="store_true", help="logits are cosines, with temperature 0.05")
    parser.add_argument("--weight-file", type=Path, help="file for the weights [default: in memory]")
    parser.add_argument("--seed", type=int, default=0, help="[default: 0]")
    arguments = parser.parse_args()
    if arguments.candidates != "batch" and not (arguments.candidates.isdigit() and int(arguments.candidates)):
        parser.error(f"--candidates is {arguments.candidates!r}, expected batch or a number from 1")
    for name in ("classes", "width", "steps", "batch", "evaluated"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} is {getattr(arguments, name)}, expected at least 1")
    if (arguments.features is None) != (arguments.labels is None):
        parser.error("--features and --labels belong together")
    return arguments


def generated(arguments: argparse.Namespace) -> Data:
    """Classes with a long tail, made as they are needed."""
    counts = 1e9 / (torch.arange(arguments.classes, dtype=torch.float64) + 10)
    sums = counts.cumsum(0)
    # The centre of a class is a sum of rows of three tables, whose sizes have no common factor: 10 million centres.
    tables = [torch.randn(size, arguments.width) / 3**0.5 for size in (211, 223, 227)]

    def rows(step: int, count: int) -> Tuple[Tensor, Tensor]:
        source = torch.Generator().manual_seed(1_000_003 * arguments.seed + step)
        places = torch.rand(count, generator=source, dtype=torch.float64) * sums[-1]
        labels = torch.searchsorted(sums, places).clamp(max=arguments.classes - 1)
        noise = 0.3 * torch.randn(count, arguments.width, generator=source)
        return sum(table[labels % len(table)] for table in tables) + noise, labels

    def batch(step: int) -> Tuple[Tensor, MixedTargets]:
        features, labels = rows(step, arguments.batch)
        return features, MixedTargets.mixed(labels, (labels + 1) % arguments.classes, 0.9, arguments.classes)

    return Data(batch, rows(arguments.steps, arguments.evaluated), counts)


def embeddings(arguments: argparse.Namespace) -> Data:
    """Rows of a file, read as they are needed; some of them, chosen at random, are for the evaluation."""
    rows, labels = np.load(arguments.features, mmap_mode="r"), np.load(arguments.labels).astype(np.int64)
    if rows.ndim != 2 or labels.shape != rows.shape[:1]:
        sys.exit(
            f"--features is {list(rows.shape)} and --labels is {list(labels.shape)}, expected [rows, D] and [rows]"
        )
    if len(rows) <= arguments.evaluated:
        sys.exit(f"--features has {len(rows)} rows, expected more than the {arguments.evaluated} to evaluate on")
    order = np.random.default_rng(arguments.seed).permutation(len(rows))
    test, train = np.sort(order[: arguments.evaluated]), order[arguments.evaluated :]
    num_classes = int(labels.max()) + 1

    def some(chosen: np.ndarray) -> Tuple[Tensor, Tensor]:
        return torch.from_numpy(rows[chosen].astype(np.float32)), torch.from_numpy(labels[chosen])

    def batch(step: int) -> Tuple[Tensor, MixedTargets]:
        first = step * arguments.batch
        features, classes = some(train.take(range(first, first + arguments.batch), mode="wrap"))
        return features, MixedTargets.hard(classes, num_classes)

    return Data(batch, some(test), torch.from_numpy(np.bincount(labels[train], minlength=num_classes)))


def peak_memory() -> float:
    """The largest memory of this process so far, GiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


if __name__ == "__main__":
    main()
