"""torchvision's MixUp and CutMix in the collate function of a data loader, on generated images.

Besides softnce it needs ``pip install torchvision``.
"""

import torch
from torch.utils.data import DataLoader, TensorDataset, default_collate
from torchvision.transforms import v2

from softnce.torch import SoftTargetInfoNCE, TargetQueue

mix = v2.RandomChoice([v2.CutMix(num_classes=4), v2.MixUp(num_classes=4)])


def collate(rows: list) -> tuple:
    return mix(*default_collate(rows))  # the targets are dense, [N, 4]; the loss finds their compact form


def main() -> None:
    labels = torch.arange(256) % 4
    images = torch.rand(4, 3, 8, 8)[labels] + 0.1 * torch.randn(256, 3, 8, 8)
    loader = DataLoader(TensorDataset(images, labels), batch_size=32, shuffle=True, collate_fn=collate)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4))
    # torchvision mixes a whole batch with one lambda. The loss then needs candidates from other batches.
    queue = TargetQueue(256, num_classes=4)
    criterion = SoftTargetInfoNCE(noise_counts=torch.bincount(labels), queue=queue)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(20):
        for mixed, targets in loader:
            loss = criterion(model(mixed), targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    print(f"accuracy {(model(images).argmax(1) == labels).float().mean():.3f}")


if __name__ == "__main__":
    main()
