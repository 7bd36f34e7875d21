"""From pytorch-metric-learning to softnce: the same trunk trained with its NTXentLoss, then with our InfoNCE.

Besides softnce it needs ``pip install pytorch-metric-learning``. Both loops print how often the nearest neighbour of an
embedding has its class.
"""

import torch
from pytorch_metric_learning.losses import CrossBatchMemory, NTXentLoss

from softnce.torch import InfoNCE, TargetQueue

CLASSES, SIZE = 4, 16
labels = torch.arange(256) % CLASSES
images = torch.randn(CLASSES, 64)[labels] + torch.randn(256, 64)


def theirs(trunk: torch.nn.Module) -> None:
    criterion = CrossBatchMemory(NTXentLoss(temperature=0.1), embedding_size=SIZE, memory_size=64)
    optimiser = torch.optim.AdamW(trunk.parameters(), lr=1e-2)
    for rows in torch.randperm(256).repeat(5).split(32):
        loss = criterion(trunk(images[rows]), labels[rows])  # embeddings and labels
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def ours(trunk: torch.nn.Module) -> None:
    classifier = torch.nn.Linear(SIZE, CLASSES)  # new: the loss takes logits; its weights are one embedding a class
    # The queue takes the place of CrossBatchMemory. It keeps labels, which do not become outdated as embeddings do.
    criterion = InfoNCE(noise_counts=torch.bincount(labels), queue=TargetQueue(64, CLASSES, terms=1))
    optimiser = torch.optim.AdamW([*trunk.parameters(), *classifier.parameters()], lr=1e-2)
    for rows in torch.randperm(256).repeat(5).split(32):
        loss = criterion(classifier(trunk(images[rows])), labels[rows])  # logits and labels
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def precision(trunk: torch.nn.Module) -> float:
    with torch.no_grad():
        embeddings = torch.nn.functional.normalize(trunk(images))
    nearest = (embeddings @ embeddings.T).fill_diagonal_(-1).argmax(1)
    return float((labels[nearest] == labels).float().mean())


if __name__ == "__main__":
    for train in (theirs, ours):
        network = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, SIZE))
        train(network)
        print(f"{train.__name__}: precision at 1 {precision(network):.3f}")
