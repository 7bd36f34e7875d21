"""Cross-entropy, dense rows and the linear head by Triton kernels on a CUDA device: values, waits, graphs, memory."""

from __future__ import annotations

from typing import Any, Callable

import pytest
import torch
from torch import Tensor

import softnce.torch as losses
from reference import (
    TOLERANCE,
    both,
    close,
    cross_entropy,
    generator,
    info_nce,
    random_logits,
    random_noise,
    random_targets,
    written_out,
)
from softnce.head import InfoNCEHead
from softnce.torch import MixedTargets
from softnce.torch._devices import missing

DEVICE = "cuda"
usable = torch.cuda.is_available() and not missing(torch.device(DEVICE))
pytestmark = pytest.mark.skipif(not usable, reason="no CUDA device with Triton")
FORMS = ["labels", "mixed", "shares", "dense"]


def there(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().to(DEVICE).requires_grad_(value.requires_grad)
    return value.to(DEVICE)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("rows, classes", [(3, 5), (65, 1500), (4, 20_000)])
def test_cross_entropy(form: str, dtype: torch.dtype, rows: int, classes: int) -> None:
    logits = random_logits(rows, classes, dtype=dtype).requires_grad_()
    targets = random_targets(form, rows, classes)
    wide = logits.detach().double().requires_grad_()
    tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(rows, dtype=torch.float64, generator=generator(5)) + 0.1
    rowwise = cross_entropy(wide, written_out(targets, classes), tau)
    expected = both((rowwise * weights).sum() / weights.sum(), wide, tau)
    leaf, temperature = there(logits), there(tau)
    loss = losses.soft_target_cross_entropy(
        leaf, there(targets), row_weights=there(weights), temperature=temperature, recognise=False
    )
    for mine, wanted in zip(both(loss, leaf, temperature), expected):
        close(mine, wanted, TOLERANCE[dtype])


@pytest.mark.parametrize("chunk", [1 << 24, 4096])
@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("rows, size, classes", [(3, 9, 5), (40, 1500, 700), (4, 9000, 33)])
def test_dense_rows(
    chunk: int, dtype: torch.dtype, rows: int, size: int, classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from softnce.torch._triton import dense

    monkeypatch.setattr(dense, "CHUNK", chunk)
    logits = random_logits(rows, classes, dtype=dtype).requires_grad_()
    targets, noise = random_targets("dense", size, classes), random_noise(classes)
    counts = torch.randint(1, 4, (size,), generator=generator(4)).double()
    wide = logits.detach().double().requires_grad_()
    tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    expected = both(info_nce(wide, targets, noise=noise, tau=tau, multiplicities=counts).mean(), wide, tau)
    leaf, temperature = there(logits), there(tau)
    loss = losses.soft_target_info_nce(
        leaf,
        there(targets),
        noise_probs=there(noise),
        multiplicities=there(counts),
        temperature=temperature,
        recognise=False,
    )
    for mine, wanted in zip(both(loss, leaf, temperature), expected):
        close(mine, wanted, TOLERANCE[dtype])


def calls(form: str) -> Callable[[Tensor], Tensor]:
    """A loss of logits ``[16, 50]``."""
    if form == "head":
        head = InfoNCEHead(50, 30, True, init_std=0.1, learn_temperature=True).to(DEVICE)
        targets = there(random_targets("mixed", 16, 30))
        return lambda features: head(features, targets)
    targets = there(random_targets(form.split()[0], 16, 50))
    targets = targets.float() if isinstance(targets, Tensor) and targets.is_floating_point() else targets
    if form == "dense InfoNCE":
        return lambda logits: losses.soft_target_info_nce(logits, targets, recognise=False)
    return lambda logits: losses.soft_target_cross_entropy(logits, targets, recognise=False)


ALL = [*FORMS, "dense InfoNCE", "head"]


# PyTorch says once a process that sparse gradients are not checked.
@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("form", ALL)
def test_no_call_waits_for_the_device(form: str) -> None:
    call, leaf = calls(form), there(random_logits(16, 50, dtype=torch.float32)).requires_grad_()
    for mode in ("default", "error"):
        torch.cuda.set_sync_debug_mode(mode)
        try:
            call(leaf).backward()
        finally:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("form", ALL)
def test_a_captured_graph_replays(form: str) -> None:
    call, leaf = calls(form), there(random_logits(16, 50, dtype=torch.float32)).requires_grad_()

    def step() -> Any:
        loss = call(leaf)
        return loss, torch.autograd.grad(loss, leaf)[0]

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(2):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = step()
    for seed in range(2):
        with torch.no_grad():
            leaf.copy_(random_logits(16, 50, 10 + seed, dtype=torch.float32))
        graph.replay()
        for mine, wanted in zip(found, step()):
            torch.testing.assert_close(mine, wanted)


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bits_every_time(form: str) -> None:
    call, leaf = calls(form), there(random_logits(16, 50, dtype=torch.float32)).requires_grad_()
    first = both(call(leaf), leaf)
    for _ in range(5):
        for mine, wanted in zip(both(call(leaf), leaf), first):
            assert torch.equal(mine, wanted)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_more_memory_than_log_softmax_takes(form: str, dtype: torch.dtype) -> None:
    rows, classes = 512, 4096
    leaf = torch.randn(rows, classes, device=DEVICE, dtype=dtype, requires_grad=True)
    labels = torch.randint(classes, (rows,), device=DEVICE)
    targets: Any = labels
    if form == "dense":
        targets = torch.softmax(torch.randn(rows, classes, device=DEVICE), 1)
    elif form != "labels":
        targets = MixedTargets.mixed(labels, labels.flip(0), torch.rand(rows, device=DEVICE), classes, 0.1)
    dense = targets if form == "dense" else torch.softmax(torch.randn(rows, classes, device=DEVICE), 1)

    def taken(loss: Callable[[], Tensor]) -> int:
        loss().backward()
        leaf.grad = None
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        loss().backward()
        torch.cuda.synchronize()
        peak = torch.cuda.max_memory_allocated() - before
        leaf.grad = None
        return int(peak) - leaf.numel() * leaf.element_size()

    mine = taken(lambda: losses.soft_target_cross_entropy(leaf, targets, recognise=False))
    timm = taken(lambda: torch.sum(-dense * torch.log_softmax(leaf, -1), -1).mean())
    assert mine <= min(timm, 1 << 20), f"{mine / 1e6:.2f} MB, timm's {timm / 1e6:.2f} MB"
