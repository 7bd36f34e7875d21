"""What the tests share: the definition of the losses, targets in every form, golden files."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch import MixedTargets

GOLDEN = Path(__file__).resolve().parents[2] / "softnce" / "tests" / "golden"

#: Whether slow tests run all their cases: with SOFTNCE_TESTS=full.
FULL = os.environ.get("SOFTNCE_TESTS") == "full"


def thinned(every: int, *axes: Iterable[Any]) -> List[Tuple[Any, ...]]:
    """All combinations of the options of a slow test if ``FULL``, else one in ``every``.

    Among them is each value of an axis of at most ``every`` values, for any choice on the others but one.
    """
    cases = product(*[list(enumerate(axis)) for axis in axes])
    return [tuple(value for _, value in case) for case in cases if FULL or sum(place for place, _ in case) % every == 0]


def scores(logits: Tensor, noise: Optional[Tensor], tau: Any) -> Tensor:
    """``S = Z / tau - log eta``."""
    out = logits / tau
    return out if noise is None else out - noise.log()


def info_nce(
    logits: Tensor,
    targets: Tensor,
    *,
    noise: Optional[Tensor] = None,
    tau: Any = 1.0,
    positives: Optional[Tensor] = None,
    multiplicities: Optional[Tensor] = None,
) -> Tensor:
    """The definition, a loss a row: ``logsumexp_j(A_ij + log m_j) - A_i,p(i)`` with ``A = S W^T``."""
    critic = scores(logits, noise, tau) @ targets.T
    index = torch.arange(len(logits)) if positives is None else positives
    positive = critic.gather(1, index[:, None])[:, 0]
    counted = critic if multiplicities is None else critic + multiplicities.log()
    return counted.logsumexp(1) - positive


def cross_entropy(logits: Tensor, targets: Tensor, tau: Any = 1.0) -> Tensor:
    """The definition of soft target cross-entropy, a loss a row."""
    return -(targets * torch.log_softmax(logits / tau, 1)).sum(1)


def reduce(losses: Tensor, reduction: str, weights: Optional[Tensor] = None) -> Tensor:
    """``w_i L_i``, their sum, or their weighted mean."""
    weights = torch.ones_like(losses) if weights is None else weights
    weighted = losses * weights
    if reduction == "none":
        return weighted
    return weighted.sum() / (weights.sum() if reduction == "mean" else 1.0)


#: How far a loss or gradient may be from the definition, in units of the largest entry.
TOLERANCE = {torch.float64: 1e-11, torch.float32: 2e-5, torch.float16: 2e-2, torch.bfloat16: 1e-1}


def both(loss: Tensor, *inputs: Tensor, upstream: Optional[Tensor] = None) -> Tuple[Tensor, ...]:
    """A loss and its gradients."""
    return (loss.detach(), *torch.autograd.grad(loss, inputs, upstream))


def close(found: Tensor, expected: Tensor, tolerance: float) -> None:
    """Same shape, and no further off than the tolerance in units of the largest entry (of 1 where all are smaller)."""
    assert found.shape == expected.shape
    scale = max(1.0, float(expected.abs().max()))
    torch.testing.assert_close(found.cpu().double(), expected.double(), rtol=0, atol=tolerance * scale)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_logits(rows: int, classes: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(rows, classes, dtype=torch.float64, generator=generator(seed)).mul_(2).to(dtype)


def random_noise(classes: int, seed: int = 1) -> Tensor:
    noise = torch.rand(classes, dtype=torch.float64, generator=generator(seed)) + 0.1
    return noise / noise.sum()


FORMS = ["labels", "labels32", "smoothed", "mixed", "shares", "recognised", "dense"]


def random_targets(form: str, rows: int, classes: int, seed: int = 2) -> Any:
    """Targets of a form, and as they would be written out."""
    source = generator(seed)
    first = torch.randint(classes, (rows,), generator=source)
    second = torch.randint(classes, (rows,), generator=source)
    lam = torch.rand(rows, dtype=torch.float64, generator=source)
    if form in ("labels", "labels32"):
        return first if form == "labels" else first.int()
    if form == "smoothed":
        return MixedTargets.smoothed(first, classes, 0.2)
    if form == "mixed":
        return MixedTargets.mixed(first, second, lam, classes, 0.1)
    if form == "shares":
        teacher = torch.softmax(2 * torch.randn(rows, classes, dtype=torch.float64, generator=source), 1)
        probabilities, listed = teacher.topk(min(3, classes - 1), 1)
        return MixedTargets.top_k(listed, probabilities, classes)
    if form == "recognised":
        return MixedTargets.mixed(first, second, lam, classes, 0.1).dense(torch.float64)
    return torch.softmax(torch.randn(rows, classes, dtype=torch.float64, generator=source), 1)


def written_out(targets: Any, classes: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Targets of any form as rows of probabilities, by the definition of the form."""
    if isinstance(targets, MixedTargets):
        out = torch.zeros(len(targets), classes, dtype=torch.float64)
        uniform = torch.as_tensor(targets.uniform, dtype=torch.float64).expand(len(targets))
        for row in range(len(targets)):
            out[row] += uniform[row] / classes
            for label, weight in zip(targets.classes[row].tolist(), targets.weights[row].tolist()):
                out[row, label] += weight
        return out.to(dtype)
    if not targets.dtype.is_floating_point:
        return torch.nn.functional.one_hot(targets.long(), classes).to(dtype)
    return targets.to(dtype)


class Large(NamedTuple):
    """A call with scores beside which the logarithm of a sum is lost in rounding."""

    logits: Tensor
    temperature: float
    #: Two classes a row.
    targets: MixedTargets
    #: How far the gradient times the temperature may be off: at most 1 over the number of equal candidates itself.
    tolerance: float


def large_scores(rows: int = 16, classes: int = 10) -> Iterator[Large]:
    """Calls with four distinct targets, so that many candidates tie."""
    for scale, temperature, dtype, tolerance in (
        (30.0, 1.0, torch.float32, 1e-4),
        (1e3, 0.01, torch.float32, 1e-3),
        (3e4, 0.01, torch.float16, 1e-3),
        (3e4, 0.001, torch.float16, 1e-3),
        (1e9, 1.0, torch.float32, 1e-3),
        (1e20, 1.0, torch.bfloat16, 1e-2),
    ):
        labels = torch.randint(2, (rows,), generator=generator(rows))
        share = torch.where(torch.arange(rows) % 2 == 0, 0.3, 0.8)
        bound = 6e4 if dtype == torch.float16 else 3e38
        logits = (random_logits(rows, classes, 7) / 2 * scale).clamp(-bound, bound).to(dtype)
        yield Large(logits, temperature, MixedTargets.mixed(labels, 1 - labels, share, classes), tolerance)


def check_large_scores(loss: Any, form: str = "mixed") -> None:
    """Compares ``loss(logits, targets, temperature=, reduction="sum")`` with the definition of soft target InfoNCE."""
    for case in large_scores():
        targets: Any = case.targets
        if form == "labels":
            targets = targets.classes[:, 0]
        elif form != "mixed":
            targets = targets.dense(torch.float64)
        wide, leaf = case.logits.double().requires_grad_(), case.logits.clone().requires_grad_()
        critic = scores(wide, None, case.temperature) @ written_out(targets, case.logits.shape[1]).T
        # The gradient of logsumexp would lose the logarithm of the sum.
        expected = both(-torch.log_softmax(critic, 1).diagonal().sum(), wide)
        found = both(loss(leaf, targets, temperature=case.temperature, reduction="sum"), leaf)
        close(found[0], expected[0], 1e-5)
        torch.testing.assert_close(
            found[1].double() * case.temperature, expected[1] * case.temperature, rtol=0, atol=case.tolerance
        )


class Golden(NamedTuple):
    """A golden file: what the paper's public reference implementation computes in double precision."""

    name: str
    tensors: Dict[str, Tensor]
    temperature: float
    first_positive: int
    rank: int
    world: int
    reduction: str


def golden_files() -> List[Golden]:
    from safetensors import safe_open

    files = []
    for path in sorted(GOLDEN.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            facts = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        files.append(
            Golden(
                path.stem,
                tensors,
                float(facts["temperature"]),
                int(facts["first_positive"]),
                int(facts["rank"]),
                int(facts["world"]),
                facts["reduction"],
            )
        )
    return files
