"""Trains with Hugging Face's Trainer, in one process or under torchrun: run_trainer.py FILE FORM GATHER AVERAGE.

A process has batches of 8 / processes rows, so that all processes together see the same batches as one. The last batch
is smaller, and smaller on the last process.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List

import torch
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments

from softnce.huggingface import compute_loss_func
from softnce.torch import MixedTargets, SoftTargetInfoNCE

ROWS, CLASSES, FEATURES, BATCH, ACCUMULATED = 22, 5, 3, 8, 2


class Network(nn.Module):
    """A linear layer, whose loss has a learned temperature; the logits come in any form that models return."""

    def __init__(self, form: str, gather: bool, reduction: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.form = form
        self.layer = nn.Linear(FEATURES, CLASSES, dtype=torch.float64)
        self.criterion = SoftTargetInfoNCE(
            noise_counts=range(1, CLASSES + 1), learn_temperature=True, gather=gather, reduction=reduction
        ).double()

    def forward(self, x: Tensor) -> Any:
        logits = self.layer(x)
        return {"mixed": {"logits": logits}, "soft": (logits,)}.get(self.form, logits)


class InStep(Trainer):
    """Makes compact targets after the Trainer has counted the labels."""

    def training_step(self, model: Any, inputs: Dict[str, Any], *others: Any) -> Tensor:
        inputs["labels"] = MixedTargets.smoothed(inputs["labels"], CLASSES, 0.2)
        return super().training_step(model, inputs, *others)


def data() -> Dict[str, Tensor]:
    """All rows: features, labels, and what they are mixed with."""
    source = torch.Generator().manual_seed(1)
    x = torch.randn(ROWS, FEATURES, dtype=torch.float64, generator=source)
    first, second = torch.randint(CLASSES, (2, ROWS), generator=source)
    return {"x": x, "first": first, "second": second, "lam": torch.rand(ROWS, dtype=torch.float64, generator=source)}


def targets(rows: Dict[str, Tensor], form: str) -> Any:
    """The targets of rows."""
    if form == "labels":
        return rows["first"]
    if form == "in step":
        return MixedTargets.smoothed(rows["first"], CLASSES, 0.2)
    mixed = MixedTargets.mixed(rows["first"], rows["second"], rows["lam"], CLASSES)
    return mixed.dense(torch.float64) if form == "soft" else mixed


def main(file: str, form: str, gather: str, average: str) -> None:
    """Trains one epoch and saves the weights."""

    def collate(rows: List[Dict[str, Tensor]]) -> Dict[str, Any]:
        together = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        labels = together["first"] if form == "in step" else targets(together, form)
        return {"x": together["x"], "labels": labels}

    torch.set_num_threads(1)
    everything = data()
    model = Network(form, gather == "True", "sum")
    arguments = TrainingArguments(
        output_dir=os.path.dirname(file),
        use_cpu=True,
        dataloader_pin_memory=False,
        per_device_train_batch_size=BATCH // int(os.environ.get("WORLD_SIZE", 1)),
        gradient_accumulation_steps=ACCUMULATED,
        accelerator_config={"even_batches": False},
        average_tokens_across_devices=average == "True",
        # DistributedDataParallel would take the temperature, which forward() does not use, for unused.
        ddp_find_unused_parameters=False,
        train_sampling_strategy="sequential",
        num_train_epochs=1,
        optim="sgd",
        learning_rate=0.5,
        lr_scheduler_type="constant",
        max_grad_norm=0.0,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
    )
    trainer = (InStep if form == "in step" else Trainer)(
        model,
        arguments,
        data_collator=collate,
        train_dataset=[{name: values[row] for name, values in everything.items()} for row in range(ROWS)],
        compute_loss_func=compute_loss_func(model.criterion),
    )
    trainer.train()
    if trainer.is_world_process_zero():
        torch.save(dict(model.named_parameters()), file)


if __name__ == "__main__":
    main(*sys.argv[1:])
