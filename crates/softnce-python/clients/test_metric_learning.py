"""pytorch-metric-learning: what happens to those who use our losses as they use its losses."""

from __future__ import annotations

import re
from typing import Any, Callable, List

import pytest
import torch
from pytorch_metric_learning.losses import CrossBatchMemory
from pytorch_metric_learning.miners import MultiSimilarityMiner

from softnce.torch import InfoNCE, SoftTargetCrossEntropy, SoftTargetInfoNCE

LOSSES = [InfoNCE, SoftTargetInfoNCE, SoftTargetCrossEntropy]
LABELS = torch.arange(8) % 4


class AnyMemory(CrossBatchMemory):
    """A memory for losses that the package does not list, as its users write it."""

    @staticmethod
    def supported_losses() -> List[str]:
        return [loss.__name__ for loss in LOSSES]


@pytest.mark.parametrize("loss", LOSSES)
def test_past_embeddings_are_refused(loss: Callable[..., Any]) -> None:
    # The class itself refuses every loss whose name it does not know, before our code runs.
    with pytest.raises(Exception, match=f"CrossBatchMemory not supported for {loss.__name__}"):
        CrossBatchMemory(loss(), embedding_size=6, memory_size=16)
    memory = AnyMemory(loss(), embedding_size=6, memory_size=16)
    with pytest.raises(TypeError, match="^tuple, Tensor, Tensor after logits and targets.* softnce.torch.TargetQueue"):
        memory(torch.randn(8, 6), LABELS)


@pytest.mark.parametrize("loss", LOSSES)
def test_pairs_of_a_miner_are_refused(loss: Callable[..., Any]) -> None:
    embeddings = torch.randn(8, 6)
    pairs = MultiSimilarityMiner()(embeddings, LABELS)
    with pytest.raises(TypeError, match="^tuple after logits and targets, .* it needs no miner"):
        loss()(embeddings, LABELS, pairs)


def test_embeddings_are_refused() -> None:
    embeddings = torch.nn.functional.normalize(torch.randn(8, 6, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(ValueError, match="rows of length 1, as normalised embeddings have"):
        InfoNCE()(embeddings, LABELS)


def test_example(example: Callable[..., str]) -> None:
    found = dict(re.findall(r"(\w+): precision at 1 (\d\.\d+)", example("metric_learning.py")))
    assert found.keys() == {"theirs", "ours"} and min(map(float, found.values())) > 0.9, found
