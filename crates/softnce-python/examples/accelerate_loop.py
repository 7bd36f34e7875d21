"""A training loop with accelerate: a learned temperature, gradient accumulation, and metrics of all processes.

Besides softnce it needs ``pip install accelerate``. In one process, in two, and on two GPUs::

    python accelerate_loop.py
    torchrun --nproc-per-node 2 accelerate_loop.py
    accelerate launch --num_processes 2 accelerate_loop.py
"""

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch.utils.data import DataLoader, TensorDataset

from softnce.data import Mixup
from softnce.torch import SoftTargetInfoNCE


def main() -> None:
    accelerator = Accelerator(gradient_accumulation_steps=2)
    labels, source = torch.arange(250) % 4, torch.Generator().manual_seed(0)
    images = torch.rand(4, 3, 8, 8, generator=source)[labels] + 0.1 * torch.randn(250, 3, 8, 8, generator=source)
    dataset = TensorDataset(images, labels)
    set_seed(0, device_specific=True)  # each process draws its own lambdas
    mixup = Mixup(mixup_alpha=0.8, cutmix_alpha=1.0, num_classes=4)

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4))
    criterion = SoftTargetInfoNCE(noise_counts=torch.bincount(labels), learn_temperature=True)
    optimiser = torch.optim.AdamW([*model.parameters(), *criterion.parameters()], lr=1e-2)
    train_loader, test_loader = DataLoader(dataset, batch_size=25, shuffle=True), DataLoader(dataset, batch_size=25)
    # The criterion too: its noise probabilities move to the device, and the gradient of its temperature is averaged.
    model, criterion, optimiser, train_loader, test_loader = accelerator.prepare(
        model, criterion, optimiser, train_loader, test_loader
    )
    for _ in range(20):
        for images, classes in train_loader:
            with accelerator.accumulate(model, criterion):
                images, targets = mixup(images, classes)
                accelerator.backward(criterion(model(images), targets))
                optimiser.step()
                optimiser.zero_grad()

    found = []
    for images, classes in test_loader:
        with torch.no_grad():
            found.append(accelerator.gather_for_metrics(model(images).argmax(1) == classes))
    hits, temperature = torch.cat(found), accelerator.unwrap_model(criterion).temperature
    accelerator.print(f"{len(hits)} rows, accuracy {hits.float().mean():.3f}, temperature {temperature:.3f}")
    accelerator.end_training()


if __name__ == "__main__":
    main()
