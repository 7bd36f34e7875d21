"""Bad input: the right kind of exception, which names the argument, what came and what was expected."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import softnce.torch as losses
from softnce.head import InfoNCEHead
from softnce.torch import MixedTargets, SoftTargetInfoNCE, TargetQueue, _call, _tensor

LOGITS = torch.zeros(2, 3)
LABELS = torch.tensor([0, 1])
NAN, INF = float("nan"), float("inf")


def soft(**arguments: Any) -> Any:
    given = {"logits": LOGITS, "targets": LABELS, **arguments}
    return losses.soft_target_info_nce(given.pop("logits"), given.pop("targets"), **given)


CASES: Any = [
    (dict(logits=torch.zeros(3)), ValueError, r"logits has shape \[3\], expected \[N, d\]"),
    (dict(logits=[[0.0]]), TypeError, "logits is of type list, expected a tensor"),
    (dict(logits=torch.zeros(2, 3, dtype=torch.int64)), TypeError, "logits has dtype torch.int64, expected float16"),
    (dict(logits=torch.zeros(0, 3)), ValueError, r"logits has shape \[0, 3\], expected at least one row"),
    (dict(logits=torch.zeros(2, 0), targets=torch.zeros(2, 0)), ValueError, "expected at least one row and one column"),
    (dict(logits=torch.tensor([[0.0, NAN, 0.0]] * 2)), ValueError, r"logits\[0, 1\] is NaN, expected a finite number"),
    (dict(logits=torch.tensor([[0.0, 0.0, -INF]] * 2)), ValueError, r"logits\[0, 2\] is -inf.*-1e4"),
    (dict(logits=torch.tensor([[0.0, 3e38, -3e38]] * 2)), ValueError, "in the range of f32"),
    (dict(targets=torch.tensor([0, 3])), IndexError, r"targets\[1\] is 3, expected a class from 0 to 2"),
    (dict(targets=torch.tensor([-1, 0])), IndexError, r"targets\[0\] is -1, expected a class from 0 to 2"),
    (dict(targets=torch.zeros(0, dtype=torch.int64)), ValueError, "expected at least one row and one column"),
    (dict(targets=torch.tensor([0])), ValueError, "candidates is 1, expected at least 2"),
    (dict(targets=torch.tensor([[0, 1]])), ValueError, r"targets has shape \[1, 2\], expected \[M\] class indices"),
    (dict(targets=torch.zeros(2)), ValueError, r"targets has shape \[2\], expected \[M, 3\] probabilities"),
    (dict(targets=torch.zeros(2, 4)), ValueError, r"targets has shape \[2, 4\], expected \[M, 3\], as the logits"),
    (dict(targets=torch.full((2, 3), 0.5)), ValueError, r"targets\[0\] has a sum of 1.5, expected 1 within"),
    (dict(targets=torch.tensor([[1.5, -0.5, 0.0]] * 2)), ValueError, r"targets\[0, 1\] is -0.5"),
    (dict(targets=torch.tensor([[NAN, 0.5, 0.5]] * 2)), ValueError, "targets.*NaN"),
    (dict(targets=torch.tensor([True, False])), TypeError, "targets has dtype torch.bool, expected class indices"),
    (dict(targets=[0, 1]), TypeError, "targets is of type list, expected a tensor"),
    (dict(targets=MixedTargets.hard([0, 1], 4)), ValueError, r"targets has shape \[2, 4\], expected \[M, 3\]"),
    (
        dict(targets=MixedTargets([[0], [5]], [[1.0], [1.0]], 3)),
        IndexError,
        r"targets.classes\[1\] is 5, expected a class",
    ),
    (dict(targets=MixedTargets([[0], [1]], [[1.0], [0.7]], 3)), ValueError, r"targets\[1\] has a sum of 0.69"),
    (dict(targets=MixedTargets([[0, 1], [1, 0]], [[1.5, -0.5], [1, 0]], 3)), ValueError, r"targets\[0, 1\] is -0.5"),
    (dict(candidates=torch.zeros(2, 4)), ValueError, r"candidates has shape \[2, 4\], expected \[M, 3\]"),
    (dict(candidates=torch.tensor([7])), IndexError, r"candidates\[0\] is 7, expected a class from 0 to 2"),
    (dict(candidates=torch.full((2, 3), 0.5)), ValueError, r"candidates\[0\] has a sum of 1.5"),
    (dict(positives=[0, 1]), TypeError, "positives is of type list"),
    (dict(positives=True), TypeError, "positives is of type bool"),
    (dict(temperature="1"), TypeError, "temperature is '1'"),
    (dict(candidates=[LABELS, "x"]), TypeError, "candidates is of type str"),
    (
        dict(positives=torch.tensor([0, 2])),
        IndexError,
        r"positives\[1\] is 2, expected a candidate from 0 to 1",
    ),
    (dict(positives=torch.tensor([0, -2])), IndexError, r"positives\[1\] is -2"),
    (dict(positives=torch.tensor([0.0, 1.0])), ValueError, r"positives has shape \[2\] and dtype torch.float32"),
    (dict(positives=torch.tensor([0])), ValueError, r"positives has shape \[1\]"),
    (dict(positives=1), IndexError, r"positives\[1\] is 2"),
    (dict(positives=-1), IndexError, "positives is -1"),
    (dict(multiplicities=torch.ones(3)), ValueError, r"multiplicities has shape \[3\].*expected \[2\]"),
    (dict(multiplicities=torch.tensor([1.0, -1.0])), ValueError, r"multiplicities\[1\] is -1"),
    (dict(multiplicities=torch.zeros(2)), ValueError, r"multiplicities\[0\] is 0"),
    (dict(row_weights=torch.ones(3)), ValueError, r"row_weights has shape \[3\]"),
    (dict(row_weights=torch.tensor([1.0, -1.0])), ValueError, r"row_weights\[1\] is -1"),
    (dict(row_weights=torch.zeros(2)), ValueError, "row_weights is 0, expected at least one above 0"),
    (dict(noise_probs=torch.ones(4) / 4), ValueError, r"noise_probs has shape \[4\], expected \[3\]"),
    (dict(noise_probs=torch.tensor([0.5, 0.5, 0.0])), ValueError, r"noise_probs\[2\] is 0, expected a finite number"),
    (dict(noise_probs=torch.tensor([0.5, 0.5, 0.5])), ValueError, "noise_probs has a sum of 1.5"),
    (dict(temperature=0.0), ValueError, "temperature is 0"),
    (dict(temperature=torch.tensor(-1.0)), ValueError, "temperature is -1"),
    (dict(temperature=torch.ones(2)), ValueError, r"temperature has shape \[2\]"),
    (dict(temperature=1e-45), ValueError, "temperature is"),
    (dict(reduction="max"), ValueError, "reduction is 'max'"),
]


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
@pytest.mark.parametrize("arguments, kind, message", CASES)
def test_errors(backend: str, arguments: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        soft(backend=backend, **arguments)


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
def test_hard_losses_refuse_soft_targets(backend: str) -> None:
    for targets in (torch.full((2, 3), 1 / 3), MixedTargets.smoothed([0, 1], 3, 0.1)):
        with pytest.raises(ValueError, match="expected hard labels or one-hot rows for infonce"):
            losses.info_nce(LOGITS, targets, backend=backend)  # type: ignore[arg-type]


def test_losses_without_tensor_operations_are_refused() -> None:
    call = _call.make("bce", 3, LOGITS.device, LABELS)
    with pytest.raises(ValueError, match="loss is 'bce', expected one of 'soft-target-infonce'"):
        _tensor.evaluate(call, LOGITS, None, _call.Needs(True, False, torch.float32))


@pytest.mark.parametrize("loss", [losses.SoftTargetInfoNCE, losses.InfoNCE, losses.SoftTargetCrossEntropy])
def test_further_positional_arguments_are_refused(loss: Any) -> None:
    with pytest.raises(TypeError, match="^list, Tensor after logits and targets.* softnce.torch.TargetQueue"):
        loss()(torch.zeros(2, 3), torch.tensor([0, 1]), [], torch.ones(2))


def test_devices_must_agree() -> None:
    with pytest.raises(ValueError, match="targets is on meta, expected cpu, as the logits"):
        soft(targets=LABELS.to("meta"))
    with pytest.raises(ValueError, match='backend is "kernel" and the logits are on meta'):
        losses.soft_target_info_nce(LOGITS.to("meta"), LABELS.to("meta"), backend="kernel")


def test_unchecked_values_pass() -> None:
    loss = soft(logits=torch.tensor([[0.0, NAN, 0.0]] * 2), backend="tensor", check_values=False)
    assert bool(loss.isnan())


TARGETS: Any = [
    (lambda: MixedTargets([0], [1.0], 3), ValueError, r"classes has shape \[1\], expected \[M, K\]"),
    (lambda: MixedTargets([[0]], [[1.0, 0.0]], 3), ValueError, r"weights has shape \[1, 2\], expected \[1, 1\]"),
    (lambda: MixedTargets([[0.5]], [[1.0]], 3), TypeError, "classes has dtype torch.float32, expected integers"),
    (lambda: MixedTargets([[0]], [[1.0]], 0), ValueError, "num_classes is 0"),
    (lambda: MixedTargets([[0]], [[1.0]], 2.5), TypeError, "num_classes is 2.5, expected an integer"),
    (lambda: MixedTargets([[0]], [[1.0]], 3, 1.5), ValueError, "smoothing is 1.5, expected a share from 0 to 1"),
    (lambda: MixedTargets([[0]], [[1.0]], 3, "a"), TypeError, "smoothing is 'a'"),
    (lambda: MixedTargets([[0]], [[1.0]], 3, torch.zeros(2)), ValueError, r"smoothing has shape \[2\]"),
    (lambda: MixedTargets.mixed([0, 1], [0], [0.5, 0.5], 3), ValueError, r"second has shape \[1\], expected \[2\]"),
    (lambda: MixedTargets.mixed([0, 1], [0, 1], [0.5], 3), ValueError, r"lam has shape \[1\], expected \[2\]"),
    (lambda: MixedTargets.smoothed([[0]], 3, 0.1), ValueError, r"labels has shape \[1, 1\], expected \[M\]"),
    (lambda: MixedTargets.top_k([[0, 1]], [[0.5, 0.5]], 2), ValueError, r"classes has shape \[1, 2\].*K below 2"),
    (lambda: MixedTargets.cat([]), ValueError, "parts is empty"),
    (lambda: MixedTargets.cat([MixedTargets.hard([0], 2), MixedTargets.hard([0], 3)]), ValueError, "2 and 3 classes"),
    (lambda: MixedTargets.from_dense(torch.softmax(torch.randn(2, 9), 1)), ValueError, "more than three classes"),
    (lambda: MixedTargets.from_dense(torch.zeros(2, 2, 2)), ValueError, r"probabilities has shape \[2, 2, 2\]"),
    (lambda: MixedTargets.from_dense(torch.zeros(2, 2)), ValueError, r"probabilities\[0\] has a sum of 0"),
    (
        lambda: MixedTargets([[0]], [[1.0], [0.0]], 3, [0.1]),
        ValueError,
        r"weights has shape \[2, 1\], expected \[1, 1\]",
    ),
    (lambda: MixedTargets.hard([0, 3], 3).dense(), IndexError, "classes holds 3, expected classes from 0 to 2"),
]


@pytest.mark.parametrize("make, kind, message", TARGETS)
def test_bad_targets(make: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        make()


META = torch.device("meta")
ELSEWHERE: Any = [
    (lambda: soft(row_weights=torch.ones(2, device=META)), ValueError, "row_weights is on meta, expected cpu"),
    (lambda: soft(noise_probs=torch.ones(3, device=META)), ValueError, "noise_probs is on meta, expected cpu"),
    (lambda: soft(multiplicities=torch.ones(2, device=META)), ValueError, "multiplicities is on meta"),
    (lambda: soft(positives=LABELS.to(META)), ValueError, "positives is on meta"),
    (lambda: soft(temperature=torch.ones((), device=META)), ValueError, "temperature is on meta"),
    (
        lambda: SoftTargetInfoNCE(noise_probs=[0.2, 0.3, 0.5]).to(META)(LOGITS, LABELS),
        ValueError,
        "noise_probs is on meta",
    ),
    (lambda: _with_queue(META), ValueError, "queue is on meta, expected cpu"),
    (lambda: MixedTargets.compact(0, [[0]], torch.ones(1, 1, device=META), 3), ValueError, "weights is on meta"),
    (lambda: _head(META, "rows"), ValueError, "weight is on meta, expected cpu, as the features"),
    (lambda: _head(META, "offsets"), ValueError, "bias is on meta, expected cpu, as the features"),
    (lambda: soft(noise_probs=[0.2, 0.3, 0.5]), TypeError, "noise_probs is of type list, expected a tensor"),
    (lambda: soft(row_weights=[1.0, 2.0]), TypeError, "row_weights is of type list, expected a tensor"),
    (lambda: soft(candidates=3), TypeError, "candidates is of type int"),
    (lambda: soft(logits=torch.eye(3)[:2].to_sparse()), TypeError, "logits has layout torch.sparse_coo"),
    (lambda: soft(targets=torch.eye(3)[:2].to_sparse()), TypeError, "targets has layout torch.sparse_coo"),
    (lambda: soft(logits=_emptied()), ValueError, "has no memory"),
    (lambda: SoftTargetInfoNCE(queue=8192), TypeError, "queue is of type int, expected a TargetQueue"),
    (lambda: SoftTargetInfoNCE(alpha=0.5), ValueError, "alpha is 0.5, expected noise_probs or noise_counts"),
    (lambda: MixedTargets.compact(-0.5, [[0]], [[1.5]], 3), ValueError, "uniform is -0.5"),
    (lambda: MixedTargets.top_k([[0, 1]], [[0.9, 0.2]], 9), ValueError, r"probabilities\[0\] has a sum of 1.09"),
]


def _with_queue(device: torch.device) -> Any:
    criterion = SoftTargetInfoNCE(queue=TargetQueue(4, 3))
    criterion.queue.to(device)
    return criterion(LOGITS, LABELS)


def _head(device: torch.device, part: str) -> Any:
    head = InfoNCEHead(4, 3, bias=True)
    getattr(head, part).to(device)
    return head(torch.zeros(2, 4), LABELS)


def _emptied() -> torch.Tensor:
    logits = torch.zeros(2, 3)
    logits.untyped_storage().resize_(0)
    return logits


@pytest.mark.parametrize("call, kind, message", ELSEWHERE)
def test_memory_that_is_not_here(call: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
