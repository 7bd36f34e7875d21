"""The losses on a CUDA device against the definition on the CPU; left out where there is no such device."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import softnce.torch as losses
from reference import (
    FORMS,
    TOLERANCE,
    both,
    close,
    cross_entropy,
    generator,
    golden_files,
    info_nce,
    random_logits,
    random_noise,
    random_targets,
    reduce,
    written_out,
)
from softnce.head import InfoNCEHead
from softnce.torch import MixedTargets, SoftTargetInfoNCE, TargetQueue

DEVICE = "cuda"
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def there(value: Any) -> Any:
    """A tensor or targets on the device; a tensor is a leaf there where it was one."""
    if isinstance(value, Tensor):
        return value.detach().to(DEVICE).requires_grad_(value.requires_grad)
    return value.to(DEVICE)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("kind", ["contrastive", "cross entropy"])
def test_values_and_gradients(form: str, dtype: torch.dtype, reduction: str, kind: str) -> None:
    rows, classes = 7, 10
    logits = random_logits(rows, classes, dtype=dtype).requires_grad_()
    tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    targets, noise = random_targets(form, rows, classes), random_noise(classes)
    weights = torch.rand(rows, dtype=torch.float64, generator=generator(5)) + 0.1
    upstream = torch.randn(rows if reduction == "none" else (), dtype=torch.float64, generator=generator(6))
    wide, dense = logits.detach().double().requires_grad_(), written_out(targets, classes)
    if kind == "contrastive":
        rowwise = info_nce(wide, dense, noise=noise, tau=tau)
    else:
        rowwise = cross_entropy(wide, dense, tau)
    expected = both(reduce(rowwise, reduction, weights), wide, tau, upstream=upstream)

    leaf, temperature = there(logits), there(tau)
    options = dict(row_weights=there(weights), temperature=temperature, reduction=reduction)
    if kind == "contrastive":
        loss = losses.soft_target_info_nce(leaf, there(targets), noise_probs=there(noise), **options)
    else:
        loss = losses.soft_target_cross_entropy(leaf, there(targets), **options)
    assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32) and loss.device.type == DEVICE
    for found, wanted in zip(both(loss, leaf, temperature, upstream=there(upstream).to(loss.dtype)), expected):
        close(found, wanted, TOLERANCE[dtype])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rows, candidates, classes", [(1, 1, 3), (7, 12, 10), (64, 4096, 100), (128, 1024, 1000)])
def test_shapes(form: str, rows: int, candidates: int, classes: int) -> None:
    logits = random_logits(rows, classes).requires_grad_()
    targets, noise = random_targets(form, candidates, classes), random_noise(classes)
    expected = both(info_nce(logits, written_out(targets, classes), noise=noise).mean(), logits)
    leaf = there(logits)
    loss = losses.soft_target_info_nce(leaf, there(targets), noise_probs=there(noise))
    for found, wanted in zip(both(loss, leaf), expected):
        close(found, wanted, 1e-11)


@pytest.mark.filterwarnings("ignore:all rows are mixed with one lambda")
@pytest.mark.parametrize("golden", golden_files(), ids=lambda golden: golden.name)
def test_golden_files(golden: Any) -> None:
    logits = there(golden.tensors["logits"]).requires_grad_()
    loss = losses.soft_target_info_nce(
        logits,
        there(golden.tensors["targets"]),
        positives=golden.first_positive,
        noise_probs=there(golden.tensors["noise_probs"]),
        temperature=golden.temperature,
        reduction=golden.reduction,
    )
    close(loss.detach().reshape(1), golden.tensors["loss"], 1e-12)
    (gradient,) = torch.autograd.grad(loss, logits)
    close(gradient, golden.tensors["grad_logits"], 1e-12)


# PyTorch says once a process that sparse gradients are not checked.
@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("learn", [True, False])
def test_a_head_as_on_the_cpu(learn: bool) -> None:
    features, targets = torch.randn(9, 5, generator=generator(1)), random_targets("mixed", 9, 30)
    results = []
    for move in (lambda value: value, there):
        torch.manual_seed(3)
        head = InfoNCEHead(5, 30, True, init_std=0.1, learn_temperature=learn).to(DEVICE if move is there else "cpu")
        leaf = move(features).requires_grad_()
        loss = head(leaf, move(targets))
        loss.backward()
        sparse = [parameter.grad for parameter in head.parameters()]
        results.append([loss.detach(), leaf.grad, *[value.to_dense() for value in sparse]])
    for found, expected in zip(results[1], results[0]):
        close(found, expected, 1e-5)


def test_a_queue_and_steps_as_on_the_cpu() -> None:
    pictures = torch.randn(4, 16, 6, generator=generator(1))
    batches = [random_targets("mixed", 16, 8, seed) for seed in range(4)]
    results = []
    for device in ("cpu", DEVICE):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 8)).to(device)
        criterion = SoftTargetInfoNCE(learn_temperature=True, queue=TargetQueue(24, 8)).to(device)
        optimizer = torch.optim.SGD([*network.parameters(), *criterion.parameters()], 0.1)
        for x, targets in zip(pictures, batches):
            optimizer.zero_grad()
            loss = criterion(network(x.to(device)), targets.to(device))
            loss.backward()
            optimizer.step()
        results.append([loss.detach(), *[value.detach() for value in network.parameters()]])
    for found, expected in zip(results[1], results[0]):
        close(found, expected, 1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    network = nn.Linear(6, 8).to(DEVICE)
    x, targets = torch.randn(16, 6, generator=generator(1)), random_targets("mixed", 16, 8)
    with torch.autocast(DEVICE, dtype):
        logits = network(x.to(DEVICE))
        loss = SoftTargetInfoNCE()(logits, targets.to(DEVICE))
    assert logits.dtype == dtype
    wide = logits.detach().cpu().double().requires_grad_()
    expected = both(info_nce(wide, written_out(targets, 8)).mean(), wide)
    for found, wanted in zip(both(loss, logits), expected):
        close(found, wanted, TOLERANCE[dtype])


# Of PyTorch's own compiler.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("form", ["labels", "mixed", "dense"])
def test_compiled(form: str) -> None:
    criterion = SoftTargetInfoNCE().to(DEVICE)
    targets = there(random_targets(form, 9, 10))
    results = []
    for function in (criterion, torch.compile(criterion, fullgraph=True)):
        leaf = there(random_logits(9, 10, dtype=torch.float32).requires_grad_())
        results.append(both(function(leaf, targets), leaf))
    for found, expected in zip(results[1], results[0]):
        close(found, expected.cpu(), 1e-6)


@pytest.mark.parametrize("argument", ["targets", "noise_probs"])
def test_what_lies_elsewhere_is_refused(argument: str) -> None:
    logits, targets, noise = there(random_logits(4, 5)), random_targets("mixed", 4, 5), random_noise(5)
    if argument == "targets":
        noise = there(noise)
    else:
        targets = there(targets)
    with pytest.raises(ValueError, match=f"{argument} is on cpu, expected {DEVICE}"):
        losses.soft_target_info_nce(logits, targets, noise_probs=noise)


def test_no_memory_of_rows_times_candidates_times_classes() -> None:
    rows, candidates, classes = 256, 8192, 10_000
    logits = torch.randn(rows, classes, device=DEVICE, requires_grad=True)
    labels = torch.randint(classes, (2, candidates), device=DEVICE)
    targets = MixedTargets.mixed(labels[0], labels[1], torch.rand(candidates, device=DEVICE), classes, 0.1)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    losses.soft_target_info_nce(logits, targets).backward()
    taken = torch.cuda.max_memory_allocated() - before
    # A product of targets and logits would hold candidates x classes floats, 328 MB, for the targets alone.
    assert taken < 200e6, f"{taken / 1e6:.0f} MB"
