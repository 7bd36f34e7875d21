"""The head without logits by Triton kernels, run by Triton's interpreter, against the loss of the logits."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from reference import generator, info_nce, random_logits, random_noise, random_targets, reduce, thinned, written_out
from softnce.head import InfoNCEHead
from softnce.torch import MixedTargets
from softnce.torch._devices import INTERPRETED

pytestmark = [
    pytest.mark.skipif(not INTERPRETED, reason="needs TRITON_INTERPRET=1"),
    # The interpreter computes with NumPy, which warns where a device gives infinity or NaN.
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
WIDTH, CLASSES = 4, 11


def head(**options: Any) -> InfoNCEHead:
    torch.manual_seed(0)
    made = InfoNCEHead(WIDTH, CLASSES, True, init_std=0.5, dtype=torch.float64, backend="triton", **options)
    with torch.no_grad():
        made.offsets.weight.copy_(random_logits(CLASSES, 1, 3))
    return made


@pytest.mark.parametrize(
    "form, sparse, reduction, rows",
    thinned(2, ["labels", "smoothed", "mixed", "recognised"], [False, True], ["none", "mean"], [2, 6]),
)
def test_as_the_loss_of_the_logits(form: str, sparse: bool, reduction: str, rows: int) -> None:
    noise = random_noise(CLASSES)
    made = head(sparse=sparse, noise_probs=noise, temperature=0.6, reduction=reduction, learn_temperature=sparse)
    features = random_logits(rows, WIDTH).requires_grad_()
    # Fewer and more entries than there are classes.
    targets, further = random_targets(form, rows, CLASSES), random_targets(form, rows - 1, CLASSES, 9)
    weights = torch.rand(rows, dtype=torch.float64, generator=generator(8))
    upstream = torch.randn(rows if reduction == "none" else (), dtype=torch.float64, generator=generator(9))
    inputs = [features, made.rows.weight, made.offsets.weight]
    inputs += [made.log_temperature] if sparse else []
    everything = torch.cat([written_out(targets, CLASSES), written_out(further, CLASSES)])
    tau = made.temperature if sparse else 0.6
    wanted = reduce(info_nce(made.logits(features), everything, noise=noise, tau=tau), reduction, weights)
    loss = made(features, targets, candidates=further, row_weights=weights)
    torch.testing.assert_close(loss, wanted)
    expected = torch.autograd.grad(wanted, inputs, upstream)
    found = torch.autograd.grad(loss, inputs, upstream)
    assert found[1].is_sparse == sparse and found[2].is_sparse == sparse
    for gradient, other in zip(found, expected):
        torch.testing.assert_close(gradient.to_dense() if gradient.is_sparse else gradient, other)


def test_only_classes_that_occur_are_touched() -> None:
    made = InfoNCEHead(8, 1_000_000, noise_counts=torch.ones(1_000_000), backend="triton")
    targets = MixedTargets.mixed([7, 999_999], [12, 7], [0.75, 0.5], 1_000_000, 0.1)
    made(torch.randn(2, 8), targets).backward()
    assert made.weight.grad.is_sparse
    assert made.weight.grad.coalesce().indices().tolist() == [[7, 12, 999_999]]


@pytest.mark.parametrize(
    "targets, kind, message",
    [
        (torch.tensor([0, CLASSES]), IndexError, "class"),
        (torch.tensor([0, -1]), IndexError, "class"),
        (
            MixedTargets.compact(torch.tensor([0.1, 0.3]), [[0], [1]], [[0.9], [0.7]], CLASSES),
            ValueError,
            "distribution",
        ),
    ],
)
def test_bad_targets_are_never_silent(targets: Any, kind: type, message: str) -> None:
    made, features = head(), random_logits(2, WIDTH).requires_grad_()
    loss = made(features, targets)
    assert loss.isnan()
    loss.backward()
    assert features.grad.isnan().any()
    with pytest.raises(kind, match=message):
        made(features, torch.arange(2))
    made = head(check_values="now")
    with pytest.raises(kind, match="expected"):
        made(features, targets)


def test_a_compiled_head_raises_now() -> None:
    torch._dynamo.reset()
    made, features = head(sparse=False, check_values="now"), random_logits(2, WIDTH).requires_grad_()
    function = torch.compile(made, backend="aot_eager", fullgraph=True)
    assert torch.equal(function(features, torch.arange(2)), made(features, torch.arange(2)))
    with pytest.raises(IndexError, match="expected a class from 0"):
        function(features, torch.tensor([0, 1 << 20]))
