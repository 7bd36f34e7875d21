"""The parts of the head for very many classes: drawn classes, norms, prediction in blocks, weights in a file."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any, List, Tuple

import pytest
import torch
from torch import Tensor, nn

from reference import generator, info_nce, random_logits, random_noise, random_targets, written_out
from softnce import head as head_module
from softnce.head import InfoNCEHead
from softnce.optim import RowAdagrad, RowAdamW
from softnce.torch import ClassCandidates, MixedTargets, SoftTargetInfoNCE, _head, classes

BACKENDS = ["kernel", "tensor"]
WIDTH, CLASSES, ROWS = 4, 200, 6


def head(num_classes: int = CLASSES, **options: Any) -> InfoNCEHead:
    torch.manual_seed(0)
    made = InfoNCEHead(WIDTH, num_classes, True, **{"init_std": 0.5, "dtype": torch.float64, **options})
    with torch.no_grad():
        made.offsets.weight.copy_(random_logits(num_classes, 1, 3))
    return made


def noise_of(num_classes: int = CLASSES) -> Tensor:
    noise = random_noise(num_classes) ** 4
    return noise / noise.sum()


def both(loss: Tensor, *inputs: Tensor, upstream: Any = None) -> List[Tensor]:
    found = torch.autograd.grad(loss, inputs, upstream)
    return [loss.detach(), *[part.to_dense() if part.is_sparse else part for part in found]]


def repeated() -> MixedTargets:
    """Some classes are mentioned twice, and each mention alone does not matter."""
    labels = torch.arange(40).repeat(ROWS, 2)
    weights = torch.full((ROWS, 80), 1 / 80, dtype=torch.float64)
    return MixedTargets.compact(0.0, labels, weights, CLASSES)


TARGETS: Any = {
    "labels": lambda: random_targets("labels", ROWS, CLASSES),
    "mixed": lambda: MixedTargets.mixed([0, 1, 2, 3, 4, 5], [9, 9, 9, 8, 8, 199], [0.3] * 6, CLASSES),
    "dense": lambda: MixedTargets.mixed([0, 1, 2, 3, 4, 5], [9, 9, 9, 8, 8, 199], [0.3] * 6, CLASSES).dense(),
    "repeated": repeated,
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", TARGETS)
@pytest.mark.parametrize("uniform", [False, True])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_drawn_classes_as_the_loss_of_the_logits(backend: Any, form: str, uniform: bool, reduction: Any) -> None:
    noise, targets = None if uniform else noise_of(), TARGETS[form]()
    options: Any = {"noise_probs": noise, "temperature": 0.6, "reduction": reduction, "backend": backend}
    made = head(candidates=ClassCandidates(7), learn_temperature=True, **options).double()
    other = SoftTargetInfoNCE(candidates=ClassCandidates(7), learn_temperature=True, **options).double()
    features = random_logits(ROWS, WIDTH).requires_grad_()
    weights = torch.rand(ROWS, dtype=torch.float64, generator=generator(8))
    upstream = torch.randn(ROWS if reduction == "none" else (), dtype=torch.float64, generator=generator(9))
    inputs = (features, made.rows.weight, made.offsets.weight)
    for seed in range(3):
        torch.manual_seed(seed)
        loss = made(features, targets, row_weights=weights)
        found = both(loss, *inputs, made.log_temperature, upstream=upstream)
        torch.manual_seed(seed)
        expected = other(made.logits(features), targets, row_weights=weights)
        for one, two in zip(found, both(expected, *inputs, other.log_temperature, upstream=upstream)):
            torch.testing.assert_close(one, two)


def test_only_drawn_classes_and_those_of_the_targets_are_touched() -> None:
    many = 1_000_000
    made = InfoNCEHead(WIDTH, many, init_std=0.1, noise_counts=torch.arange(many), candidates=ClassCandidates(50))
    made(torch.ones(2, WIDTH), torch.tensor([3, 17])).backward()
    rows = made.weight.grad.coalesce().indices()[0]
    assert 40 < len(rows) <= 52 and {3, 17} <= set(rows.tolist())
    # Frequent classes are drawn more often: the mean of k under probabilities proportional to k is 2/3 of the largest.
    assert 0.5 < float(rows[2:].double().mean()) / many < 0.8


def test_draws_follow_the_noise() -> None:
    noise, count = noise_of(20), 200_000
    for given, probabilities in ((noise, noise), (None, torch.full((20,), 0.05))):
        sampler = classes.Sampler(given, 20, torch.device("cpu"))
        torch.manual_seed(0)
        found = torch.bincount(sampler.draw(count), minlength=20) / count
        assert bool(((found - probabilities).abs() < 5 * (probabilities / count).sqrt()).all())
        torch.testing.assert_close(sampler.probabilities(torch.tensor([3, 0])), probabilities[[3, 0]].double())


def test_the_sampler_follows_the_noise_and_is_not_copied() -> None:
    made = head(3, noise_probs=[0.999, 0.0005, 0.0005], candidates=ClassCandidates(50))
    features, labels = random_logits(1, WIDTH), torch.tensor([1])

    def drawn() -> List[int]:
        made.zero_grad()
        torch.manual_seed(0)
        made(features, labels).backward()
        return made.weight.grad.coalesce().indices()[0].tolist()

    assert drawn() == [0, 1]
    assert made._sampler is not None
    assert copy.deepcopy(made)._sampler is None and pickle.loads(pickle.dumps(made))._sampler is None
    made.load_state_dict({**made.state_dict(), "noise_probs": torch.tensor([0.0005, 0.0005, 0.999])})
    assert drawn() == [1, 2]


def test_a_distribution_to_be_matched_is_learned_from_draws() -> None:
    # One input, whose target is a distribution: the posterior becomes it.
    target = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64)
    targets = MixedTargets.top_k([[4, 90, 150]], target, CLASSES)
    torch.manual_seed(0)
    made = InfoNCEHead(1, CLASSES, candidates=ClassCandidates(20))
    optimizer = RowAdagrad(made.rows.parameters(), lr=0.5)
    for _ in range(2000):
        optimizer.zero_grad()
        made(torch.ones(1, 1), targets).backward()
        optimizer.step()
    posterior = made.posterior(made.logits(torch.ones(1, 1)))[0]
    torch.testing.assert_close(posterior[[4, 90, 150]].double(), target[0].double(), rtol=0.1, atol=0.02)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("form", ["labels", "smoothed", "mixed", "recognised"])
@pytest.mark.parametrize("count", [None, 9])
def test_norms(backend: Any, reduction: Any, form: str, count: Any) -> None:
    if count is not None and form not in ("labels", "mixed"):
        return
    noise, targets = random_noise(11), random_targets(form, ROWS, 11)
    if form == "mixed" and count is not None:
        targets = MixedTargets.mixed([0, 1, 2, 3, 4, 5], [9, 9, 9, 8, 8, 10], [0.3] * 6, 11)
    options: Any = {"noise_probs": noise, "reduction": reduction, "backend": backend, "temperature": 0.3}
    options["candidates"] = None if count is None else ClassCandidates(count)
    made = head(11, normalize=True, learn_temperature=True, **options).double()
    criterion = SoftTargetInfoNCE(learn_temperature=True, **options).double()
    features = random_logits(ROWS, WIDTH).requires_grad_()
    upstream = torch.randn(ROWS if reduction == "none" else (), dtype=torch.float64, generator=generator(9))
    weight, bias = made.rows.weight, made.offsets.weight
    logits = nn.functional.normalize(features) @ nn.functional.normalize(weight).T + bias[:, 0]
    torch.testing.assert_close(made.logits(features), logits)
    torch.manual_seed(3)
    expected = both(criterion(logits, targets), features, weight, bias, criterion.log_temperature, upstream=upstream)
    torch.manual_seed(3)
    loss = made(features, targets)
    for one, two in zip(both(loss, features, weight, bias, made.log_temperature, upstream=upstream), expected):
        torch.testing.assert_close(one, two)
    with torch.no_grad():
        torch.manual_seed(3)
        torch.testing.assert_close(made(features, targets), loss)


@pytest.mark.parametrize("backend", BACKENDS)
def test_norms_of_narrow_rows_under_autocast(backend: Any) -> None:
    made = InfoNCEHead(WIDTH, 5, init_std=0.3, normalize=True, backend=backend, dtype=torch.bfloat16)
    features, labels = random_logits(ROWS, WIDTH).bfloat16(), torch.arange(ROWS) % 5
    expected = made(features, labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(made(features, labels), expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_of_zeros_stay_zero_under_norms_and_learn(backend: Any) -> None:
    made = InfoNCEHead(WIDTH, 5, init_std=0.0, normalize=True, backend=backend)
    features = torch.zeros(2, WIDTH, requires_grad=True)
    loss = made(features, torch.tensor([0, 1]))
    torch.testing.assert_close(loss, torch.tensor(2.0).log())
    loss.backward()
    assert bool(features.grad.isfinite().all())
    made.zero_grad()
    made(torch.eye(2, WIDTH), torch.tensor([0, 1])).backward()
    slope = made.weight.grad.to_dense()
    assert bool(slope.isfinite().all()) and float(slope.abs().max()) > 0.1


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("count", [None, 5])
# Dynamo reads .grad of tensors that are no leaves where the graph breaks.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_compiled(sparse: bool, count: Any) -> None:
    torch._dynamo.reset()
    candidates = None if count is None else ClassCandidates(count)
    made = head(sparse=sparse, normalize=True, candidates=candidates, noise_probs=noise_of())
    compiled = torch.compile(made, backend="aot_eager")
    features, labels = random_logits(ROWS, WIDTH).requires_grad_(), random_targets("labels", ROWS, CLASSES)
    results = []
    for each in (made, compiled):
        torch.manual_seed(2)
        results.append(both(each(features, labels), features, made.rows.weight, made.offsets.weight))
    for one, two in zip(*results):
        torch.testing.assert_close(one, two)


def test_transforms_and_meta() -> None:
    made = head(candidates=ClassCandidates(5), normalize=True, noise_probs=noise_of())
    features, labels = random_logits(ROWS, WIDTH), random_targets("labels", ROWS, CLASSES)
    torch.manual_seed(2)
    leaf = features.clone().requires_grad_()
    (expected,) = torch.autograd.grad(made(leaf, labels), leaf)
    torch.manual_seed(2)
    torch.testing.assert_close(torch.func.grad(lambda rows: made(rows, labels))(features), expected)
    with torch.device("meta"):
        shaped = InfoNCEHead(WIDTH, CLASSES, candidates=ClassCandidates(5))
        assert shaped(torch.zeros(3, WIDTH), torch.zeros(3).long()).shape == ()


PREDICTING: Any = [{}, {"normalize": True}, {"dtype": torch.float32}, {"temperature": 0.3}]


@pytest.mark.parametrize("options", PREDICTING)
@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_prediction_in_blocks(options: Any, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = head(**options)
    features = random_logits(ROWS, WIDTH).to(made.weight.dtype)
    monkeypatch.setattr(head_module, "_LOGITS", size * ROWS)
    logits = made.logits(features).detach()
    for k in (1, 10, CLASSES):
        found, expected = made.top_k(features, k), logits.topk(k)
        torch.testing.assert_close(found.values, expected.values)
        assert torch.equal(found.indices, expected.indices)
    posterior = made.posterior(logits)
    torch.testing.assert_close(
        made.log_normaliser(features), (logits / made.temperature.to(logits)).logsumexp(1).detach()
    )
    labels = torch.arange(ROWS) * 3
    torch.testing.assert_close(made.log_likelihood(features, labels), posterior[torch.arange(ROWS), labels].log())


@pytest.mark.parametrize("options", [{}, {"normalize": True, "temperature": 0.05}])
@pytest.mark.parametrize("narrow", ["weights", "autocast"])
def test_likelihoods_of_narrow_logits_are_exact(options: Any, narrow: str) -> None:
    dtype = torch.bfloat16 if narrow == "weights" else torch.float32
    made = head(2000, **options, dtype=dtype)
    features, labels = 4 * torch.randn(8, WIDTH, generator=generator(3)), torch.arange(8)
    features = features.to(dtype)
    wide = head(2000, **options)
    wide.load_state_dict(made.state_dict())
    expected = wide.log_likelihood(features.double(), labels)
    with torch.autocast("cpu", torch.bfloat16, enabled=narrow == "autocast"):
        found = made.log_likelihood(features, labels)
        # Features of another type, as the layers before have them.
        converted = made.log_likelihood(features.bfloat16(), labels) if narrow == "autocast" else found
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
    expected = wide.log_likelihood(features.bfloat16().double(), labels)
    torch.testing.assert_close(converted.double(), expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(TypeError, match="features is of type list"):
        made.log_normaliser([1.0])


def test_norms_are_not_rounded_to_bf16() -> None:
    rows = torch.randn(64, 256, generator=generator(4)).bfloat16()
    wide = rows.float()
    assert torch.equal(_head.unit(rows)[0], (wide / wide.norm(dim=1, keepdim=True)).bfloat16())


def test_prediction_sees_rows_that_are_up_to_date() -> None:
    ours, theirs = head(), head(sparse=False)
    optimizers = RowAdamW(ours.parameters(), lr=0.1), torch.optim.AdamW(theirs.parameters(), lr=0.1)
    features = random_logits(ROWS, WIDTH)
    for made, optimizer in zip((ours, theirs), optimizers):
        for step in range(9):
            optimizer.zero_grad()
            made(features, torch.arange(ROWS) + step).backward()
            optimizer.step()
    expected = theirs.logits(features).detach()
    labels = torch.arange(ROWS)
    likelihood = theirs.posterior(expected)[labels, labels].log()
    # Each of them catches up.
    first, second = copy.deepcopy((ours, optimizers[0])), copy.deepcopy((ours, optimizers[0]))
    torch.testing.assert_close(first[0].top_k(features, 3).values, expected.topk(3)[0])
    torch.testing.assert_close(second[0].log_likelihood(features, labels), likelihood)
    torch.testing.assert_close(ours.logits(features), theirs.logits(features))


def trained(made: InfoNCEHead, steps: Tuple[int, int], optimizer: Any) -> None:
    for step in range(*steps):
        features = torch.randn(8, WIDTH, generator=generator(step)).to(made.weight.dtype)
        labels = torch.randint(made.num_classes, (8,), generator=generator(100 + step))
        optimizer.zero_grad()
        made(features, labels).backward()
        optimizer.step()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_in_a_file(dtype: torch.dtype, tmp_path: Path) -> None:
    path, many = tmp_path / "weight.bin", 300_000

    def make(**options: Any) -> InfoNCEHead:
        return InfoNCEHead(WIDTH, many, True, dtype=dtype, **options)

    plain = make(init_std=0.0)
    in_memory = RowAdamW(plain.parameters(), lr=0.1)
    trained(plain, (0, 6), in_memory)
    made = make(weight_file=path)
    optimizer = RowAdamW(made.parameters(), lr=0.1)
    trained(made, (0, 3), optimizer)
    assert path.stat().st_size == many * WIDTH * dtype.itemsize
    assert (tmp_path / "weight.bin.bias").stat().st_size == many * dtype.itemsize
    # Rows that were never used take no space.
    assert path.stat().st_blocks * 512 < 1 << 20
    state = copy.deepcopy(optimizer.state_dict())
    del made, optimizer
    again = make(weight_file=path, init_std=0.7)
    resumed = RowAdamW(again.parameters(), lr=0.1)
    resumed.load_state_dict(state)
    trained(again, (3, 6), resumed)
    in_memory.catch_up(), resumed.catch_up()
    assert torch.equal(plain.weight, again.weight) and torch.equal(plain.bias, again.bias)
    assert float(plain.weight.detach().abs().max()) > 0.1
    on_disk = torch.from_file(str(path), size=many * WIDTH, dtype=dtype).view(many, WIDTH)
    assert torch.equal(on_disk, plain.weight)


def test_files_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "weight.bin"
    InfoNCEHead(WIDTH, 9, weight_file=path, init_std=0.5)
    assert float(torch.from_file(str(path), size=9 * WIDTH).std()) > 0.2
    for classes_, dtype, needed in ((10, None, 160), (9, torch.float64, 288)):
        with pytest.raises(ValueError, match=rf"weight_file .*weight.bin has 144 bytes, expected {needed} for"):
            InfoNCEHead(WIDTH, classes_, weight_file=path, dtype=dtype)
    with pytest.raises(ValueError, match="weight_file is given and device is meta, expected the CPU"):
        InfoNCEHead(WIDTH, 9, weight_file=path, device="meta")
    # The head works as others.
    made = InfoNCEHead(WIDTH, 9, weight_file=path)
    features, labels = random_logits(3, WIDTH).float(), torch.tensor([1, 2, 1])
    expected = info_nce(made.logits(features).detach(), written_out(labels, 9).float()).mean()
    torch.testing.assert_close(made(features, labels), expected, check_dtype=False)
