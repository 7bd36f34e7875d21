"""Bad values in Triton kernels, run by Triton's interpreter: NaN at once, an error at the next call or when asked."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import softnce.torch as losses
from reference import random_logits, random_targets
from softnce.torch import ClassCandidates, MixedTargets, SoftTargetInfoNCE, _checks, _fused
from softnce.torch._devices import INTERPRETED
from softnce.torch._triton import flags
from test_errors import CASES

pytestmark = [
    pytest.mark.skipif(not INTERPRETED, reason="needs TRITON_INTERPRET=1"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
LOGITS, LABELS = torch.zeros(2, 3), torch.tensor([0, 1])
NAN, INF = float("nan"), float("inf")


def soft(**arguments: Any) -> Any:
    given = {"logits": LOGITS, "targets": LABELS, **arguments}
    return losses.soft_target_info_nce(given.pop("logits"), given.pop("targets"), backend="triton", **given)


@pytest.mark.parametrize("arguments, kind, message", CASES)
def test_errors_at_once(arguments: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        soft(check_values="now", **arguments)
    soft()


MIXED = MixedTargets.mixed([0, 1], [1, 2], [0.5, 0.25], 3)
BAD: Any = [
    (dict(logits=torch.tensor([[0.0, NAN, 0.0]] * 2)), ValueError, "logits holds NaN"),
    (dict(logits=torch.tensor([[0.0, 0.0, -INF]] * 2), targets=MIXED), ValueError, "logits holds NaN"),
    (dict(logits=torch.tensor([[0.0, 3e38, -3e38]] * 2)), ValueError, "logits holds NaN or infinite"),
    (dict(targets=torch.tensor([0, 3])), IndexError, "a class that does not exist"),
    (dict(targets=torch.tensor([-1, 0])), IndexError, "a class that does not exist"),
    (dict(targets=MixedTargets([[0], [5]], [[1.0], [1.0]], 3)), IndexError, "a class that does not exist"),
    (dict(targets=MixedTargets([[0], [1]], [[1.0], [0.7]], 3)), ValueError, "not probability distributions"),
    (dict(targets=MixedTargets([[0, 1], [1, 0]], [[1.5, -0.5], [1, 0]], 3)), ValueError, "not probability"),
    (dict(targets=torch.full((2, 3), 0.5)), ValueError, "not probability distributions"),
    (dict(targets=torch.tensor([[NAN, 0.5, 0.5]] * 2)), ValueError, "not probability distributions"),
    (dict(candidates=torch.tensor([7])), IndexError, "candidates names a class"),
    (dict(positives=torch.tensor([0, 2])), IndexError, "positives holds the index"),
    (dict(positives=torch.tensor([0, -2]), targets=MIXED), IndexError, "positives holds the index"),
    (dict(multiplicities=torch.tensor([1.0, -1.0])), ValueError, "multiplicities"),
    (dict(multiplicities=torch.zeros(2)), ValueError, "multiplicities"),
    (dict(row_weights=torch.tensor([1.0, -1.0])), ValueError, "row_weights"),
    (dict(row_weights=torch.tensor([1.0, -1.0]), reduction="none"), ValueError, "row_weights"),
    (dict(row_weights=torch.zeros(2)), ValueError, "row_weights"),
    (
        dict(logits=torch.tensor([[0.0, NAN, 0.0]] * 2), multiplicities=torch.ones(2)),
        ValueError,
        r"^logits holds[^;]*\(found",
    ),
    (dict(noise_probs=torch.tensor([0.5, 0.5, 0.0])), ValueError, "noise_probs"),
    (dict(noise_probs=torch.tensor([0.5, 0.5, 0.5]), targets=MIXED), ValueError, "noise_probs"),
    (dict(noise_probs=torch.tensor([0.5, 0.5, 0.0]), candidates="classes"), ValueError, "noise_probs"),
    (
        dict(noise_probs=torch.tensor([0.5, 0.5, 1.0]), candidates="classes", reduction="none"),
        ValueError,
        "noise_probs",
    ),
    (dict(noise_probs=torch.tensor([1.5, 0.5, -1.0]), candidates=ClassCandidates(2)), ValueError, "noise_probs"),
    (dict(temperature=torch.tensor(-1.0)), ValueError, "temperature is not"),
    (dict(temperature=torch.tensor(1e-45)), ValueError, "temperature is not"),
]


@pytest.mark.parametrize("arguments, kind, message", BAD)
def test_a_bad_batch_is_nan_and_raises_at_the_next_call(arguments: Any, kind: type, message: str) -> None:
    leaf = arguments.get("logits", LOGITS).clone().requires_grad_()
    loss = soft(**{**arguments, "logits": leaf})
    assert bool(loss.isnan().any())
    loss.sum().backward()
    assert bool(leaf.grad.isnan().any())
    with pytest.raises(kind, match=f"{message}.*earlier call.*check_values"):
        soft()
    # It is reported once.
    soft()


def test_noise_beside_classes_is_named_at_once() -> None:
    noise = torch.tensor([0.5, 0.5, 0.0])
    with pytest.raises(ValueError, match=r"noise_probs\[2\] is 0"):
        soft(noise_probs=noise, candidates="classes", check_values="now")
    noise = torch.tensor([0.5, 0.25, 0.25])
    found, expected = soft(noise_probs=noise, candidates="classes"), torch.tensor(3.0).log() + noise[:2].log().mean()
    torch.testing.assert_close(found, expected)
    soft()


@pytest.mark.parametrize("arguments, kind, message", BAD[:3])
def test_a_criterion_raises_when_asked(arguments: Any, kind: type, message: str) -> None:
    criterion = SoftTargetInfoNCE(backend="triton")
    criterion.check()
    criterion(arguments.get("logits", LOGITS), arguments.get("targets", LABELS))
    with pytest.raises(kind, match=message):
        criterion.check()
    criterion.check()


def test_unchecked_values_pass() -> None:
    for targets in (LABELS, MIXED, MIXED.dense()):
        assert bool(soft(logits=torch.tensor([[0.0, NAN, 0.0]] * 2), targets=targets, check_values=False).isnan())
    # Not even a class that does not exist makes a kernel read elsewhere.
    soft(targets=torch.tensor([0, 1 << 40]), check_values=False)
    soft()


@pytest.mark.parametrize("reduction", ["none", "sum"])
def test_row_weights_may_all_be_zero_but_for_the_mean(reduction: str) -> None:
    for targets in (LABELS, MIXED, MIXED.dense()):
        for options in ({}, {"recognise": False}, {"check_values": "now"}):
            leaf = random_logits(2, 3).requires_grad_()
            loss = soft(logits=leaf, targets=targets, row_weights=torch.zeros(2), reduction=reduction, **options)
            assert not loss.any()
            loss.sum().backward()
            assert not leaf.grad.any()
    loss = losses.soft_target_cross_entropy(
        LOGITS, MIXED, row_weights=torch.zeros(2), reduction=reduction, backend="triton"
    )
    assert not loss.any()
    soft()


def test_hard_losses_refuse_soft_targets() -> None:
    for targets in (torch.full((2, 3), 1 / 3), MixedTargets.smoothed([0, 1], 3, 0.1)):
        assert bool(losses.info_nce(LOGITS, targets, backend="triton").isnan())  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="not one-hot"):
            soft()


def test_a_gradient_scaler_skips_the_step() -> None:
    weight = torch.nn.Parameter(torch.zeros(2, 3))
    optimizer = torch.optim.SGD([weight], 1.0)
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(soft(logits=weight, targets=torch.tensor([0, 3]))).backward()
    scaler.step(optimizer)
    scaler.update()
    assert torch.equal(weight.detach(), torch.zeros(2, 3))
    with pytest.raises(IndexError, match="class"):
        soft()


def test_one_lambda_for_all_rows_warns_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fused, "_watching", True)
    targets = MixedTargets.mixed([0, 1, 2], [1, 2, 0], 0.3, 3)
    logits = random_logits(3, 3)
    soft(logits=logits, targets=targets)
    with pytest.warns(UserWarning, match=_checks.LAMBDA_WARNING[:30]):
        soft(logits=logits, targets=targets)
    soft(logits=logits, targets=targets)
    flags.take(logits.device, flags.LAMBDA)


def test_rows_without_a_compact_form_are_left_to_products(monkeypatch: pytest.MonkeyPatch) -> None:
    from softnce.torch._triton import load, recognised

    monkeypatch.setattr(recognised, "_waiting", {})
    monkeypatch.setattr(recognised, "_slots", {})
    called: list = []
    for name in ("recognised", "dense"):
        family = load(name)
        forward = family.forward
        monkeypatch.setattr(
            family, "forward", lambda *given, name=name, forward=forward: called.append(name) or forward(*given)
        )
    logits, dense = random_logits(3, 11), random_targets("dense", 4, 11)
    expected = losses.soft_target_info_nce(logits, dense)
    for _ in range(2):
        torch.testing.assert_close(soft(logits=logits, targets=dense), expected)
    assert called == ["recognised", "dense"]


def test_what_is_missing_is_said() -> None:
    with pytest.raises(
        ValueError, match='backend is "triton", but the Triton kernels run on CUDA.* the logits are on meta'
    ):
        losses.soft_target_info_nce(torch.zeros(2, 3, device="meta"), LABELS.to("meta"), backend="triton")
    with pytest.raises(ValueError, match="check_values is \"later\"|check_values is 'later'"):
        soft(check_values="later")
