"""Gradients against finite differences, in double precision, for every path."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import softnce.torch as losses
from reference import FORMS, generator, random_logits, random_noise, random_targets
from softnce.head import InfoNCEHead

BACKENDS = ["kernel", "tensor"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_soft_target_info_nce(backend: str, form: str, reduction: str) -> None:
    targets, noise = random_targets(form, 9, 6), random_noise(6)
    weights = torch.rand(5, dtype=torch.float64, generator=generator(7))

    def loss(logits: torch.Tensor, tau: torch.Tensor) -> torch.Tensor:
        return losses.soft_target_info_nce(
            logits,
            targets,
            candidates=random_targets("mixed", 3, 6, 8),
            row_weights=weights,
            noise_probs=noise,
            temperature=tau,
            reduction=reduction,
            backend=backend,
        )

    tau = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (random_logits(5, 6).requires_grad_(), tau))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_info_nce(backend: str, reduction: str) -> None:
    labels = random_targets("labels", 20, 6)

    def loss(logits: torch.Tensor) -> torch.Tensor:
        return losses.info_nce(logits, labels, noise_probs=random_noise(6), reduction=reduction, backend=backend)

    assert torch.autograd.gradcheck(loss, (random_logits(5, 6).requires_grad_(),))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_soft_target_cross_entropy(backend: str, form: str, reduction: str) -> None:
    targets = random_targets(form, 5, 6)

    def loss(logits: torch.Tensor, tau: torch.Tensor) -> torch.Tensor:
        return losses.soft_target_cross_entropy(logits, targets, temperature=tau, reduction=reduction, backend=backend)

    tau = torch.tensor([0.8], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (random_logits(5, 6).requires_grad_(), tau))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", ["labels", "smoothed", "mixed", "recognised"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("bias", [False, True])
def test_head(backend: str, form: str, reduction: str, bias: bool) -> None:
    head = InfoNCEHead(
        3,
        8,
        bias,
        sparse=False,
        noise_probs=random_noise(8),
        temperature=0.7,
        learn_temperature=True,
        reduction=reduction,
        backend=backend,
        dtype=torch.float64,
    ).double()
    targets = random_targets(form, 9, 8)
    parameters = dict(head.named_parameters())
    names = list(parameters)

    def loss(features: torch.Tensor, *values: torch.Tensor) -> Any:
        return torch.func.functional_call(head, dict(zip(names, values)), (features, targets))

    inputs = [random_logits(5, 3).requires_grad_()]
    for seed, (name, value) in enumerate(parameters.items()):
        offset = (
            torch.randn(value.shape, dtype=torch.float64, generator=generator(20 + seed))
            if name != "log_temperature"
            else 0.0
        )
        inputs.append((value.detach() + offset).requires_grad_())
    assert torch.autograd.gradcheck(loss, tuple(inputs))
