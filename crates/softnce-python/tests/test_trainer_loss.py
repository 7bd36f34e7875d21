"""``softnce.huggingface`` without transformers; ``clients/test_huggingface.py`` runs it in the Trainer."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import torch

from softnce.huggingface import compute_loss_func
from softnce.torch import SoftTargetCrossEntropy, SoftTargetInfoNCE


def test_forms_of_outputs() -> None:
    logits, labels = torch.randn(4, 3, dtype=torch.float64), torch.tensor([0, 2, 1, 0])
    compute = compute_loss_func(SoftTargetInfoNCE(reduction="sum"))
    expected = SoftTargetInfoNCE()(logits, labels)
    for outputs in (logits, (logits, None), {"logits": logits}, SimpleNamespace(logits=logits)):
        torch.testing.assert_close(compute(outputs, labels, num_items_in_batch=4), expected)
        torch.testing.assert_close(compute(outputs, labels, num_items_in_batch=torch.tensor(4)), expected)
    with pytest.raises(TypeError, match="outputs is of type dict with loss, expected logits"):
        compute({"loss": torch.ones(())}, labels, num_items_in_batch=4)


def test_ignored_positions_are_not_counted() -> None:
    logits, labels = torch.randn(2, 5, 3, dtype=torch.float64), torch.randint(3, (2, 5))
    labels[0, 3:] = -100
    options = {"dim": -1, "ignore_index": -100}
    compute = compute_loss_func(SoftTargetCrossEntropy(reduction="sum", **options))
    count = labels.ne(-100).sum()
    expected = SoftTargetCrossEntropy(**options)(logits, labels)
    torch.testing.assert_close(compute(logits, labels, num_items_in_batch=count), expected)
    with torch.no_grad():
        torch.testing.assert_close(compute(logits, labels), expected)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="reduction of criterion is 'mean', expected \"sum\""):
        compute_loss_func(SoftTargetInfoNCE())
    with pytest.raises(ValueError, match="ignore_index of criterion is 0, expected -100"):
        compute_loss_func(SoftTargetInfoNCE(reduction="sum", ignore_index=0))
    compute = compute_loss_func(SoftTargetInfoNCE(reduction="sum"))
    logits, soft = torch.zeros(4, 5), torch.full((4, 5), 0.2)
    with pytest.raises(ValueError, match="num_items_in_batch is None"):
        compute(logits, soft)
    with pytest.raises(TypeError, match="labels is of type NoneType"):
        compute(logits, None, num_items_in_batch=4)
    with pytest.raises(ValueError, match=re.escape("is 8, expected at least 20, the entries of labels [4, 5]")):
        compute(logits, soft, num_items_in_batch=torch.tensor(8))
