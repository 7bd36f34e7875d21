"""Construction on the meta device, moves from and to it, and calls on it, as torch.nn's modules behave."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import softnce.torch as losses
from reference import random_logits, random_targets
from softnce.head import InfoNCEHead
from softnce.torch import InfoNCE, SoftTargetCrossEntropy, SoftTargetInfoNCE, TargetQueue


def made() -> SoftTargetInfoNCE:
    return SoftTargetInfoNCE(
        noise_counts=[5, 3, 1], temperature=0.5, learn_temperature=True, queue=TargetQueue(4, 3, terms=1)
    )


def values(criterion: nn.Module) -> Any:
    return {name: tensor.double() for name, tensor in criterion.state_dict().items()}


@pytest.fixture
def spoiled_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """``empty_like`` gives memory full of sevens."""
    empty_like = torch.empty_like

    def full(*arguments: Any, **options: Any) -> Any:
        found = empty_like(*arguments, **options)
        return found if found.is_meta else found.fill_(7)

    monkeypatch.setattr(torch, "empty_like", full)


@pytest.mark.usefixtures("spoiled_memory")
@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_made_on_meta_and_given_memory(dtype: Any) -> None:
    with torch.device("meta"):
        criterion = made()
        criterion = criterion if dtype is None else criterion.to(dtype)
    assert criterion.log_temperature.is_meta and criterion.queue.counts.is_meta
    # The noise was given as numbers, which are kept.
    assert not criterion.noise_probs.is_meta
    criterion.to_empty(device="cpu")
    found, expected = values(criterion), values(made())
    assert set(found) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3 if dtype else 1e-12, atol=0)
    assert criterion.noise_probs.dtype == criterion.queue.weights.dtype == torch.float64
    logits, labels = random_logits(3, 3), torch.tensor([0, 2, 1])
    if dtype is None:
        assert torch.equal(criterion(logits, labels), made()(logits, labels))


@pytest.mark.usefixtures("spoiled_memory")
def test_values_survive_to_empty() -> None:
    criterion, other = made(), made()
    for step in range(2):
        for each in (criterion, other):
            each(random_logits(3, 3, step), random_targets("labels", 3, 3, step))
    criterion.queue.to_empty(device="cpu")
    criterion.to_empty(device="cpu", recurse=False)
    for name, buffer in other.named_buffers():
        assert torch.equal(criterion.get_buffer(name), buffer)


@pytest.mark.usefixtures("spoiled_memory")
def test_noise_without_values_comes_with_the_state() -> None:
    with torch.device("meta"):
        criterion = SoftTargetInfoNCE(noise_probs=torch.tensor([0.2, 0.3, 0.5]), alpha=0.5)
        plain = nn.CrossEntropyLoss(weight=torch.ones(3))
    assert criterion.noise_probs.is_meta and plain.weight.is_meta and criterion.noise_probs.shape == (3,)
    state = SoftTargetInfoNCE(noise_probs=[0.2, 0.3, 0.5]).state_dict()
    criterion.to_empty(device="cpu").load_state_dict(state)
    torch.testing.assert_close(criterion.noise_probs, torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64))
    criterion.to("meta").load_state_dict(state, assign=True)
    assert torch.equal(criterion.noise_probs, state["noise_probs"])


@pytest.mark.usefixtures("spoiled_memory")
def test_a_head_made_on_meta() -> None:
    with torch.device("meta"):
        head = InfoNCEHead(64, 500, bias=True, init_std=0.5, noise_counts=[1] * 500)
    head.to_empty(device="cpu")
    for module in head.modules():
        # As FSDP and the like do it after to_empty.
        getattr(module, "reset_parameters", lambda: None)()
    assert 0.45 < float(head.weight.detach().std()) < 0.55 and not bool(head.bias.any())
    assert bool(head(torch.randn(3, 64), torch.tensor([1, 2, 3])).isfinite())


CALLS = [
    (lambda: SoftTargetInfoNCE(noise_counts=[1, 2, 3, 4]), ["labels", "mixed", "dense"]),
    (lambda: SoftTargetInfoNCE(learn_temperature=True, queue=TargetQueue(4, 4)), ["labels", "mixed"]),
    (lambda: InfoNCE(), ["labels"]),
    (lambda: SoftTargetCrossEntropy(learn_temperature=True), ["labels", "mixed", "dense"]),
]


@pytest.mark.parametrize("make, forms", CALLS)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_call_on_meta(make: Any, forms: Any, reduction: str) -> None:
    for moved in (False, True):
        if moved:
            criterion = make().to("meta")
        else:
            with torch.device("meta"):
                criterion = make()
        criterion.reduction = reduction
        for form in forms:
            logits = random_logits(3, 4).float().to("meta").requires_grad_()
            loss = criterion(logits, random_targets(form, 3, 4).to("meta"))
            assert loss.is_meta and loss.dtype == torch.float32
            assert loss.shape == ((3,) if reduction == "none" else ())
            loss.sum().backward()
            assert logits.grad.is_meta and logits.grad.shape == (3, 4)
            assert criterion.posterior(logits).shape == (3, 4)


def test_a_function_on_meta() -> None:
    logits = torch.zeros(3, 4, device="meta")
    labels = torch.zeros(3, dtype=torch.int64, device="meta")
    assert losses.soft_target_info_nce(logits, labels).shape == nn.functional.cross_entropy(logits, labels).shape
