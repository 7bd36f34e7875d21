"""torch.compile: one operation, no graph break, the same results as eager mode."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import softnce.torch as losses
from reference import FORMS, generator, random_logits, random_noise, random_targets
from softnce.torch import (
    InfoNCE,
    MixedTargets,
    SoftTargetCrossEntropy,
    SoftTargetInfoNCE,
    TargetQueue,
    _call,
    _operation,
)

BACKENDS = ["kernel", "tensor"]


def compiled(function: Any, **options: Any) -> Any:
    # aot_eager traces forward and backward as inductor does, and needs no compiler.
    torch._dynamo.reset()
    return torch.compile(function, backend="aot_eager", fullgraph=True, **options)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_as_in_eager_mode(backend: str, form: str, reduction: str) -> None:
    targets, weights = random_targets(form, 7, 6), torch.rand(5, dtype=torch.float64, generator=generator(3))
    further = random_targets("mixed", 4, 6, 9)
    criterion = SoftTargetInfoNCE(0.7, reduction, noise_probs=random_noise(6), learn_temperature=True, backend=backend)

    def step(logits: Tensor) -> Tensor:
        return criterion(logits * 2, targets, candidates=further, row_weights=weights)

    results = []
    for function in (step, compiled(step)):
        criterion.zero_grad()
        logits = random_logits(5, 6).requires_grad_()
        loss = function(logits)
        (loss * torch.arange(1.0, 1.0 + loss.numel()).reshape(loss.shape)).sum().backward()
        results.append((loss.detach(), logits.grad, criterion.log_temperature.grad.clone()))
    for found, expected in zip(results[1], results[0]):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_whole_model(backend: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 5))
    pictures = torch.randn(8, 4)
    for criterion, targets in (
        (SoftTargetInfoNCE(noise_counts=[1, 2, 3, 4, 5], backend=backend), random_targets("mixed", 8, 5)),
        (SoftTargetInfoNCE(backend=backend), random_targets("recognised", 8, 5).float()),
        (InfoNCE(backend=backend), random_targets("labels", 8, 5)),
        (SoftTargetCrossEntropy(backend=backend), random_targets("dense", 8, 5).float()),
    ):

        def step(pictures: Tensor, targets: Any, criterion: nn.Module = criterion) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return criterion(model(pictures), targets)

        gradients = []
        for function in (step, compiled(step)):
            model.zero_grad()
            loss = function(pictures, targets)
            assert loss.dtype == torch.float32
            loss.backward()
            gradients.append([parameter.grad.clone() for parameter in model.parameters()])
        for found, expected in zip(gradients[1], gradients[0]):
            torch.testing.assert_close(found, expected)


def test_any_number_of_rows() -> None:
    def step(logits: Tensor, targets: Tensor) -> Tensor:
        return losses.soft_target_info_nce(logits, targets)

    function = compiled(step, dynamic=True)
    for rows in (3, 8, 5):
        logits, targets = random_logits(rows, 6), random_targets("dense", rows, 6)
        torch.testing.assert_close(function(logits, targets), step(logits, targets))


def test_a_queue() -> None:
    criteria = [SoftTargetInfoNCE(queue=TargetQueue(6, 5)) for _ in range(2)]
    function = compiled(lambda logits, targets: criteria[1](logits, targets))
    for step in range(4):
        logits = random_logits(4, 5, seed=step).requires_grad_()
        targets = random_targets("mixed", 4, 5, step)
        torch.testing.assert_close(function(logits, targets), criteria[0](logits, targets))
    for found, expected in zip(criteria[1].queue.buffers(), criteria[0].queue.buffers()):
        assert torch.equal(found, expected)


def test_errors_come_through() -> None:
    function = compiled(lambda logits, targets: losses.soft_target_info_nce(logits, targets))
    with pytest.raises(IndexError, match=r"targets\[0\] is 9, expected a class from 0 to 2"):
        function(torch.zeros(1, 3), torch.tensor([9]))


# The check itself reads .grad of tensors that are no leaves.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_the_registration_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: list = []
    operation = torch.ops.softnce.loss.default
    targets = MixedTargets.mixed([0, 1, 2], [1, 2, 0], [0.2, 0.5, 0.9], 3, 0.1)
    call = _call.make("soft-target-infonce", 3, torch.device("cpu"), targets, noise_probs=random_noise(3))
    logits = random_logits(3, 3, dtype=torch.float32).requires_grad_()
    tau = torch.tensor(0.5, requires_grad=True)
    monkeypatch.setattr(torch.ops.softnce, "loss", lambda *given: arguments.append(given) or operation(*given))
    _operation.call(call, logits, tau, torch.float32)
    monkeypatch.undo()
    torch.library.opcheck(operation, arguments[0])


def test_traced_without_the_compiler() -> None:
    from torch.fx.experimental.proxy_tensor import make_fx

    labels = torch.tensor([0, 1])
    traced = make_fx(lambda logits: losses.soft_target_info_nce(logits, labels))(torch.randn(2, 3))
    torch.testing.assert_close(traced(torch.zeros(2, 3)), torch.tensor(2.0).log())
    with torch._subclasses.FakeTensorMode():
        fake = losses.soft_target_info_nce(torch.zeros(2, 3), torch.tensor([0, 1]), reduction="none")
        assert list(fake.shape) == [2]
