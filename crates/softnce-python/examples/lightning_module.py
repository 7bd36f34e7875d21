"""Lightning with two processes (DDP): a small image classifier on generated images, with MixUp and CutMix.

Besides softnce it needs ``pip install lightning``.
"""

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from softnce.data import Mixup
from softnce.torch import SoftTargetInfoNCE


class Classifier(lightning.LightningModule):
    def __init__(self, class_counts: torch.Tensor) -> None:
        super().__init__()
        self.mixup = Mixup(mixup_alpha=0.8, cutmix_alpha=1.0, num_classes=len(class_counts))
        self.network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, len(class_counts)))
        # In the module: its buffers move to the device, its temperature learns, and the targets of all processes are
        # candidates.
        self.criterion = SoftTargetInfoNCE(noise_counts=class_counts, learn_temperature=True)

    def on_fit_start(self) -> None:
        # Each process draws its own lambdas, also after lightning.seed_everything.
        self.mixup.rng = np.random.RandomState(self.global_rank)

    def training_step(self, batch: list, index: int) -> torch.Tensor:
        images, targets = self.mixup(*batch)
        return self.criterion(self.network(images), targets)

    def validation_step(self, batch: list, index: int) -> None:
        images, labels = batch
        accuracy = (self.network(images).argmax(1) == labels).float().mean()
        self.log("accuracy", accuracy, sync_dist=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


def main() -> None:
    labels = torch.arange(256) % 4
    centres = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    images = centres[labels] + 0.1 * torch.randn(256, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    dataset = TensorDataset(images, labels)
    trainer = lightning.Trainer(
        accelerator="cpu", devices=2, strategy="ddp", max_epochs=10, logger=False, enable_checkpointing=False
    )
    model = Classifier(torch.bincount(labels))
    trainer.fit(model, DataLoader(dataset, batch_size=32, shuffle=True), DataLoader(dataset, batch_size=32))
    if trainer.is_global_zero:
        print(f"accuracy {trainer.callback_metrics['accuracy']:.3f}, temperature {model.criterion.temperature:.3f}")


if __name__ == "__main__":
    main()
