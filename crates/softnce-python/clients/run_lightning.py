"""Trains the Lightning example: run_lightning.py FILE. Lightning starts the second process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Tuple

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset, TensorDataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

from lightning_module import Classifier  # noqa: E402

#: The last batch of the second process has 7 rows.
ROWS, BATCH, PROCESSES = 47, 8, 2


def data() -> Tuple[Tensor, Tensor]:
    """Images and labels."""
    source = torch.Generator().manual_seed(1)
    labels = torch.randint(4, (ROWS,), generator=source)
    return torch.randn(ROWS, 3, 8, 8, dtype=torch.float64, generator=source), labels


def rows_of(rank: int) -> range:
    """The rows of a process."""
    return range(rank, ROWS, PROCESSES)


def model() -> Classifier:
    """The same weights in each process."""
    torch.manual_seed(0)
    return Classifier(torch.tensor([1, 2, 3, 4])).double()


def main(file: str) -> None:
    """Trains one epoch and saves the weights."""
    torch.set_num_threads(1)
    trainer = lightning.Trainer(
        accelerator="cpu",
        devices=PROCESSES,
        strategy="ddp",
        # Otherwise it deals out shuffled rows, the same number to each process.
        use_distributed_sampler=False,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    trained = model()
    own = Subset(TensorDataset(*data()), rows_of(trainer.global_rank))
    trainer.fit(trained, DataLoader(own, batch_size=BATCH))
    if trainer.is_global_zero:
        torch.save(dict(trained.named_parameters()), file)


if __name__ == "__main__":
    main(sys.argv[1])
