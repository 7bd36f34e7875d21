"""The optimisers of rows against the ordinary ones on dense gradients of the same sequence."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any, Callable, Dict, Iterator, Tuple

import pytest
import torch
from torch import Tensor, nn

from reference import generator
from softnce.head import InfoNCEHead
from softnce.optim import RowAdagrad, RowAdamW, RowSGD, _adamw
from softnce.optim._registry import optimizer_of
from softnce.optim._steps import Decays, Maps

ROWS, WIDTH = 13, 5


class DenseAdagrad(torch.optim.Optimizer):
    """The definition: one sum a row, decoupled decay, all rows in every step."""

    def __init__(self, params: Any, lr: float, eps: float = 1e-10, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                state, gradient = self.state[parameter], parameter.grad.reshape(len(parameter), -1)
                total = state.setdefault("sum", gradient.new_zeros(len(parameter), 1))
                total += (gradient**2).mean(1, keepdim=True)
                rows = parameter.view(len(parameter), -1)
                rows *= 1 - group["lr"] * group["weight_decay"]
                rows -= group["lr"] * gradient / (total.sqrt() + group["eps"])


KINDS: Dict[str, Tuple[Callable[..., Any], Callable[..., Any], Dict[str, Any]]] = {
    "sgd": (RowSGD, torch.optim.SGD, {}),
    "sgd decay": (RowSGD, torch.optim.SGD, {"weight_decay": 0.3}),
    "momentum": (RowSGD, torch.optim.SGD, {"momentum": 0.9}),
    "momentum decay": (RowSGD, torch.optim.SGD, {"momentum": 0.95, "weight_decay": 0.1}),
    "nesterov": (RowSGD, torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.2, "nesterov": True}),
    "adamw": (RowAdamW, torch.optim.AdamW, {"weight_decay": 0.1}),
    "adamw fast": (RowAdamW, torch.optim.AdamW, {"betas": (0.95, 0.9), "weight_decay": 0.0}),
    "adamw slow": (RowAdamW, torch.optim.AdamW, {"betas": (0.99, 0.99), "eps": 1e-3, "weight_decay": 0.5}),
    "adamw no momentum": (RowAdamW, torch.optim.AdamW, {"betas": (0.0, 0.99), "weight_decay": 0.1}),
    "adamw no memory": (RowAdamW, torch.optim.AdamW, {"betas": (0.9, 0.0), "eps": 1.0, "weight_decay": 0.1}),
    "adagrad": (RowAdagrad, DenseAdagrad, {}),
    "adagrad decay": (RowAdagrad, DenseAdagrad, {"weight_decay": 0.3}),
}


def start(dtype: torch.dtype, rows: int = ROWS) -> Tensor:
    return torch.randn(rows, WIDTH, generator=generator(1), dtype=torch.float64).to(dtype)


def gradients(steps: int, dtype: torch.dtype, rows: int = ROWS) -> Iterator[Tuple[float, Tensor, Tensor]]:
    """A changing rate, the rows with a gradient, and it. Row r comes at random, about every 2^r steps or never."""
    source = generator(2)
    often = 2.0 ** -torch.arange(rows)
    for step in range(steps):
        chosen = (torch.rand(rows, generator=source) < often).nonzero()[:, 0]
        values = torch.randn(len(chosen), WIDTH, generator=source, dtype=torch.float64)
        # Rows of very different sizes, so that eps matters in some and not in others.
        values = values * 10.0 ** -chosen.double()[:, None]
        yield 0.02 * (1.1 + torch.tensor(step / 3.0).sin().item()), chosen, values.to(dtype)


def sparse(rows: Tensor, values: Tensor, shape: Any) -> Tensor:
    return torch.sparse_coo_tensor(rows[None], values, shape, check_invariants=True)


def give(optimizer: Any, parameter: Tensor, rows: Tensor, values: Tensor) -> None:
    """A step with this gradient, as training makes it."""
    optimizer.catch_up(parameter, rows)
    parameter.grad = sparse(rows, values, parameter.shape)
    optimizer.step()


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_as_the_dense_optimiser(name: str, dtype: torch.dtype) -> None:
    lazy, dense, settings = KINDS[name]
    ours, theirs = nn.Parameter(start(dtype)), nn.Parameter(start(torch.float64))
    one, other = lazy([ours], lr=0.1, **settings), dense([theirs], lr=0.1, **settings)
    tolerance = 1e-9 if dtype == torch.float64 else 3e-5
    for step, (rate, rows, values) in enumerate(gradients(400, dtype)):
        one.param_groups[0]["lr"] = other.param_groups[0]["lr"] = rate
        give(one, ours, rows, values)
        theirs.grad = sparse(rows, values.double(), theirs.shape).to_dense()
        other.step()
        if step in (0, 1, 40, 200):
            # Those that were just changed.
            torch.testing.assert_close(ours[rows].double(), theirs[rows], rtol=tolerance, atol=tolerance)
        if step == 200:
            one.catch_up()
            torch.testing.assert_close(ours.double(), theirs.detach(), rtol=tolerance, atol=tolerance)
    one.catch_up()
    torch.testing.assert_close(ours.double(), theirs.detach(), rtol=tolerance, atol=tolerance)
    assert float((theirs - start(torch.float64)).detach().abs().max()) > 0.1


@pytest.mark.parametrize("name", KINDS)
def test_only_rows_with_a_gradient_are_touched(name: str) -> None:
    lazy, _, settings = KINDS[name]
    parameter = nn.Parameter(start(torch.float32))
    optimizer = lazy([parameter], lr=0.1, **settings)
    for row in (3, 7, 3):
        give(optimizer, parameter, torch.tensor([row]), torch.ones(1, WIDTH))
    moved = (parameter.detach() != start(torch.float32)).any(1).nonzero()[:, 0].tolist()
    assert moved == [3, 7]


def test_any_range_of_steps_is_a_product_of_maps() -> None:
    source, steps = generator(4), 45
    given = [tuple(torch.rand(4, generator=source, dtype=torch.float64).tolist()) for _ in range(steps)]
    maps = Maps(torch.device("cpu"))
    maps.extend(given[:20])  # type: ignore[arg-type]
    for one in given[20:]:
        maps.extend([one])  # type: ignore[list-item]
    for until in (1, 20, 32, 45):
        found = maps.product(torch.arange(until + 1), until)
        expected = torch.eye(2, dtype=torch.float64)
        for last in reversed(range(until + 1)):
            torch.testing.assert_close(found[last].view(2, 2), expected, rtol=1e-12, atol=1e-12)
            if last:
                expected = expected @ torch.tensor(given[last - 1], dtype=torch.float64).view(2, 2)


def through_a_file(state: Any) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_resumed_training_has_the_same_bits(name: str, dtype: torch.dtype) -> None:
    lazy, _, settings = KINDS[name]
    options = {**settings, "seed": 5, "state_dtype": dtype}
    whole = nn.Parameter(start(dtype))
    optimizer = lazy([whole], lr=0.1, **options)
    for step, (rate, rows, values) in enumerate(gradients(90, torch.float32)):
        if step == 50:
            saved = through_a_file((whole.detach(), optimizer.state_dict()))
        optimizer.param_groups[0]["lr"] = rate
        give(optimizer, whole, rows, values.to(dtype))
    resumed = nn.Parameter(saved[0].clone())
    again = lazy([resumed], lr=0.7, seed=1)
    again.load_state_dict(saved[1])
    assert again.state[resumed]["last"].dtype == torch.int32
    for step, (rate, rows, values) in enumerate(gradients(90, torch.float32)):
        if step >= 50:
            again.param_groups[0]["lr"] = rate
            give(again, resumed, rows, values.to(dtype))
    for each in (optimizer, again):
        each.catch_up()
    assert torch.equal(whole, resumed)
    assert not torch.equal(whole, saved[0])


def embedded(kind: Any = nn.Embedding) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(kind(50, 4, sparse=True), nn.Flatten(), nn.LazyLinear(3)).double()


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_a_watched_embedding_reads_rows_that_are_up_to_date(kind: Any) -> None:
    ours, source = embedded(kind), generator(3)
    words = [torch.randint(50, (6, 4), generator=source) for _ in range(60)]
    ours(words[0])
    theirs = copy.deepcopy(ours)
    theirs[0].sparse = False
    row = RowAdamW(ours[0].parameters(), lr=0.05, weight_decay=0.1)
    assert row.watch(ours) is ours and row.watch(ours[0]) is ours[0]
    assert len(ours[0]._forward_pre_hooks) == 1
    both = [
        [row, torch.optim.SGD(ours[2].parameters(), lr=0.1)],
        [
            torch.optim.AdamW(theirs[0].parameters(), lr=0.05, weight_decay=0.1),
            torch.optim.SGD(theirs[2].parameters(), lr=0.1),
        ],
    ]
    for batch in words:
        losses = []
        for net, optimizers in zip((ours, theirs), both):
            loss = net(batch).square().mean() + net(batch).sum() * 0.01
            net.zero_grad()
            loss.backward()
            losses.append(loss.detach())
            for optimizer in optimizers:
                optimizer.step()
        torch.testing.assert_close(*losses, rtol=1e-9, atol=1e-9)
    row.catch_up()
    torch.testing.assert_close(ours[0].weight, theirs[0].weight, rtol=1e-9, atol=1e-9)


def test_rows_that_were_read_too_early_are_told_once() -> None:
    net = embedded()
    net(torch.zeros(1, 4).long())
    optimizer = RowSGD(net[0].parameters(), lr=0.1, momentum=0.9)
    for step, words in enumerate(([0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3], [4, 5, 6, 7])):
        net.zero_grad()
        net(torch.tensor([words])).sum().backward()
        if step == 2:
            with pytest.warns(UserWarning, match="rows with a gradient were not brought up to date") as found:
                optimizer.step()
            assert len(found) == 1 and found[0].filename == __file__
        else:
            optimizer.step()


def test_the_head() -> None:
    torch.manual_seed(1)
    ours = InfoNCEHead(4, 30, True, init_std=0.3, dtype=torch.float64)
    theirs = InfoNCEHead(4, 30, True, sparse=False, dtype=torch.float64)
    theirs.load_state_dict(ours.state_dict())
    row = RowAdamW(ours.parameters(), lr=0.05, weight_decay=0.1)
    dense = torch.optim.AdamW(theirs.parameters(), lr=0.05, weight_decay=0.1)
    schedulers = [torch.optim.lr_scheduler.CosineAnnealingLR(each, 80) for each in (row, dense)]
    source = generator(5)
    for step in range(80):
        labels = torch.randint(30, (5,), generator=source)
        features = torch.randn(5, 4, generator=source, dtype=torch.float64)
        losses = []
        for head, optimizer in ((ours, row), (theirs, dense)):
            # Two micro-batches, the second of which reads rows that the first did not.
            loss = head(features, labels) + head(features, labels.flip(0) // 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        torch.testing.assert_close(*losses, rtol=1e-9, atol=1e-9)
        for scheduler in schedulers:
            scheduler.step()
        if step == 60:
            # Prediction needs all rows.
            torch.testing.assert_close(ours.logits(features), theirs.logits(features), rtol=1e-9, atol=1e-9)
    row.catch_up()
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(ours.bias, theirs.bias, rtol=1e-9, atol=1e-9)


def test_losses_by_row_see_rows_that_another_call_catches_up() -> None:
    head = InfoNCEHead(4, 30, init_std=0.3, reduction="none")
    optimizer = RowSGD(head.parameters(), lr=0.1, momentum=0.9)
    for labels in ([0, 1], [2, 3]):
        head(torch.ones(2, 4), torch.tensor(labels)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    losses = [head(torch.ones(2, 4), torch.tensor(labels)) for labels in ([0, 1], [2, 3])]
    (losses[0].sum() + losses[1].sum()).backward()
    optimizer.step()
    loss = head(torch.ones(2, 4), torch.tensor([0, 1]))
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.sum().backward()


def trained(optimizer: Any, parameter: Tensor) -> Any:
    for row in (0, 1, 0, 2):
        give(optimizer, parameter, torch.tensor([row]), torch.ones(1, *parameter.shape[1:]))
    return optimizer


def test_several_groups_and_shapes() -> None:
    shapes = [(4, 2, 3), (4,), (4, 1)]
    ours = [nn.Parameter(torch.ones(shape)) for shape in shapes]
    theirs = [nn.Parameter(torch.ones(shape)) for shape in shapes]
    settings = [{"lr": 0.1}, {"lr": 0.2, "weight_decay": 0.5}, {"lr": 0.3, "betas": (0.5, 0.9)}]
    one = RowAdamW([{"params": [each], **given} for each, given in zip(ours, settings)])
    other = torch.optim.AdamW([{"params": [each], **given} for each, given in zip(theirs, settings)])
    for step in range(9):
        for index, (mine, their) in enumerate(zip(ours, theirs)):
            # A parameter without a gradient makes no step, in both.
            row, skipped = torch.tensor([(step + index) % 3]), (step + index) % 4 == 3
            one.catch_up(mine, row)
            gradient = sparse(row, torch.full((1, *mine.shape[1:]), step - 3.0), mine.shape)
            mine.grad, their.grad = (None, None) if skipped else (gradient, gradient.to_dense())
        one.step(), other.step()
    one.catch_up()
    for mine, their in zip(ours, theirs):
        torch.testing.assert_close(mine, their, rtol=1e-5, atol=1e-6)


def test_copies_and_pickles() -> None:
    net = nn.Embedding(5, 3, sparse=True)
    optimizer = trained(RowAdamW(net.parameters(), lr=0.1), net.weight)
    optimizer.watch(net)
    behind = net.weight.detach().clone()
    # A copy of the network alone is an ordinary network with the rows as they were.
    for alone in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        alone(torch.arange(5))
        assert torch.equal(alone.weight, behind)
    for both in (copy.deepcopy((net, optimizer)), pickle.loads(pickle.dumps((net, optimizer)))):
        both[0](torch.arange(5))
        assert not torch.equal(both[0].weight, behind)
        assert torch.equal(net.weight, behind)
        trained(both[1], both[0].weight)
    net(torch.arange(5))
    expected = net.weight.detach().clone()
    both = copy.deepcopy((net, optimizer))
    both[0](torch.arange(5))
    assert torch.equal(both[0].weight, expected)
    # Without the optimiser nothing catches up.
    del optimizer
    net(torch.arange(5))
    assert torch.equal(net.weight, expected)


def test_narrow_rows_round_at_random_and_keep_small_changes() -> None:
    rows, steps, size = 4000, 64, 2.0**-14
    parameter = nn.Parameter(torch.ones(rows, 2, dtype=torch.bfloat16))
    optimizer = RowSGD([parameter], lr=1.0, seed=3)
    every = torch.arange(rows)
    for _ in range(steps):
        give(optimizer, parameter, every, torch.full((rows, 2), -size).bfloat16())
    moved = parameter.detach().double() - 1
    # Each step is 1/128 of the spacing of 2^-7 above 1, so that rounding to the nearest would never move.
    assert set(moved.unique().tolist()) <= {part * 2.0**-7 for part in range(8)}
    mean, sigma = steps * size, (steps * size * 2.0**-7 / moved.numel()) ** 0.5
    assert abs(float(moved.mean()) - mean) < 5 * sigma
    assert float(moved.std()) > 0.5 * sigma * moved.numel() ** 0.5
    # Columns and rows round independently.
    assert abs(float(torch.corrcoef(moved.T)[0, 1])) < 0.1
    assert abs(float(torch.corrcoef(torch.stack([moved[1:, 0], moved[:-1, 0]]))[0, 1])) < 0.1


def test_narrow_states_stay_close() -> None:
    wide, narrow = nn.Parameter(start(torch.float32)), nn.Parameter(start(torch.float32))
    for parameter, dtype in ((wide, None), (narrow, torch.bfloat16)):
        optimizer = RowAdamW([parameter], lr=0.01, state_dtype=dtype)
        for _, rows, values in gradients(100, torch.float32):
            give(optimizer, parameter, rows, values)
        optimizer.catch_up()
        assert optimizer.state[parameter]["second"].dtype == (dtype or torch.float32)
    moved = (wide - start(torch.float32)).detach().abs().max()
    assert float((wide - narrow).detach().abs().max()) < 0.1 * float(moved)


# PyTorch's own, once a process.
@pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")
@pytest.mark.parametrize("clips", [False, True])
def test_the_scaler_of_gradients_and_clipping(clips: bool) -> None:
    head = InfoNCEHead(4, 30, init_std=0.3)
    plain = copy.deepcopy(head)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaled, direct = RowAdamW(head.parameters(), lr=0.1), RowAdamW(plain.parameters(), lr=0.1)

    def clip(module: nn.Module) -> None:
        try:
            torch.nn.utils.clip_grad_norm_(module.parameters(), 0.1)
        except NotImplementedError:
            pytest.skip("this version of PyTorch does not clip sparse gradients")

    for step in range(6):
        labels = torch.tensor([step, step + 1])
        scaled.zero_grad(), direct.zero_grad()
        scaler.scale(head(torch.ones(2, 4), labels)).backward()
        if step == 3:
            # A step that overflows is left out, and is none that rows make up later.
            head.weight.grad = head.weight.grad * float("inf")
        scaler.unscale_(scaled)
        if step != 3:
            plain(torch.ones(2, 4), labels).backward()
            for module in (head, plain) if clips else ():
                clip(module)
            direct.step()
        scaler.step(scaled)
        scaler.update()
    assert scaled.state[head.weight]["step"] == 5
    scaled.catch_up(), direct.catch_up()
    torch.testing.assert_close(head.weight, plain.weight)


BAD: Any = [
    (lambda p: RowSGD([p], lr=-1), ValueError, "lr is -1.0, expected a finite number not below 0"),
    (lambda p: RowSGD([p], momentum=1.0), ValueError, "momentum is 1.0, expected a number from 0 and below 1"),
    (lambda p: RowSGD([p], nesterov=True), ValueError, "nesterov is True and momentum is 0"),
    (lambda p: RowSGD([p], weight_decay=float("nan")), ValueError, "weight_decay is nan"),
    (lambda p: RowAdamW([p], betas=(0.9, 1.0)), ValueError, "betas is 1.0"),
    (lambda p: RowAdamW([p], betas=(0.9,)), ValueError, r"betas is \(0.9,\), expected two numbers"),
    (lambda p: RowAdamW([p], eps=0), ValueError, "eps is 0.0, expected a finite number above 0"),
    (lambda p: RowAdamW([p], lr=10.0, weight_decay=0.1), ValueError, "lr is 10.0 and weight_decay is 0.1"),
    (lambda p: RowAdagrad([p], eps="x"), TypeError, "eps is 'x', expected a number"),
    (lambda p: RowAdagrad([p], seed=0.5), TypeError, "seed is 0.5, expected an integer"),
    (lambda p: RowAdagrad([p], state_dtype=torch.float16), ValueError, "state_dtype is torch.float16"),
    (lambda p: RowSGD([nn.Parameter(torch.zeros(2, 2).half())]), TypeError, r"shape \[2, 2\] and dtype torch.float16"),
    (lambda p: RowSGD([nn.Parameter(torch.zeros(()))]), TypeError, r"shape \[\] and dtype"),
    (lambda p: RowSGD([nn.Parameter(torch.zeros(2, 3).T)]), ValueError, "not contiguous"),
    (lambda p: RowSGD([p]).catch_up(rows=torch.tensor([0])), ValueError, "rows is given without the parameter"),
    (lambda p: RowSGD([p]).catch_up(nn.Parameter(torch.zeros(1))), ValueError, r"shape \[1\] is none of this"),
    (lambda p: RowSGD([p]).catch_up(p, torch.tensor([0, 9])), IndexError, "row 9, expected a row from 0 to 3"),
    (lambda p: RowSGD([p]).catch_up(p, torch.tensor([True, False])), TypeError, "rows is a tensor of torch.bool"),
    (lambda p: RowSGD([p]).catch_up(p, torch.tensor([1.7])), TypeError, "rows is a tensor of torch.float32, expected"),
    (lambda p: RowSGD([p]).catch_up(p, [1, 2]), TypeError, "rows is of type list, expected a tensor of integers"),
    (lambda p: RowAdamW([p], betas=0.9), TypeError, "betas is of type float, expected two numbers"),
    (lambda p: RowAdamW([{"params": [p], "betas": 0.9}]), TypeError, "betas is of type float, expected two numbers"),
    (lambda p: RowSGD([nn.Parameter(torch.zeros(0, 4))]), ValueError, r"shape \[0, 4\], expected at least one row"),
    (lambda p: RowSGD([p]).watch(nn.Linear(1, 1)), ValueError, "module is a Linear that has no torch.nn.Embedding"),
]


@pytest.mark.parametrize("make, kind, message", BAD)
def test_bad_arguments(make: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        make(nn.Parameter(torch.zeros(4, 3)))


def test_bad_steps() -> None:
    parameter = nn.Parameter(torch.zeros(4, 3))
    optimizer = RowAdamW([parameter])
    for gradient in (torch.zeros(4, 3), torch.zeros(4, 3).to_sparse()):
        parameter.grad = gradient
        with pytest.raises(TypeError, match=r"the gradient of a parameter of shape \[4, 3\] is not sparse by rows"):
            optimizer.step()
    trained(optimizer, parameter)
    before, group = parameter.detach().clone(), optimizer.param_groups[0]
    for name, value, message in (
        ("betas", (0.8, 0.999), r"betas is \(0.8, 0.999\) and was \(0.9, 0.999\)"),
        ("lr", float("inf"), "lr is inf"),
    ):
        kept, group[name] = group[name], value
        with pytest.raises(ValueError, match=message):
            optimizer.step()
        group[name] = kept
    group["betas"] = (0.8, 0.999)
    with pytest.raises(ValueError, match="betas is"):
        optimizer.catch_up()
    # The same settings in another kind of sequence are the same.
    group["betas"] = [0.9, 0.999]
    assert torch.equal(parameter, before) and optimizer.state[parameter]["step"] == 4
    with pytest.raises(ValueError, match="another row optimiser has not brought up to date"):
        RowSGD([parameter])
    optimizer.catch_up()
    RowSGD([parameter])


def test_a_state_of_other_parameters_is_refused() -> None:
    own = nn.Parameter(torch.ones(20, 3))
    made: Any = (RowAdamW([own]), RowSGD([own], momentum=0.9), torch.optim.SparseAdam([own]))
    for optimizer in made:
        own.grad = sparse(torch.tensor([1]), torch.ones(1, 3), own.shape)
        optimizer.step()
    states = {type(optimizer).__name__: optimizer.state_dict() for optimizer in made}
    for kind, parameter, message in (
        ("SparseAdam", own, "expected that of a RowAdamW"),
        ("RowSGD", own, r"\['decayed', 'fixed', 'last', 'momentum', .*expected that of a RowAdamW"),
        (
            "RowAdamW",
            nn.Parameter(torch.ones(30, 3)),
            r"last of shape \[20\] for .* \[30, 3\], expected \[30\]",
        ),
        ("RowAdamW", nn.Parameter(torch.ones(20, 4)), r"first of shape \[20, 3\] .* expected \[20, 4\]"),
    ):
        optimizer = RowAdamW([parameter])
        with pytest.raises(ValueError, match=message):
            optimizer.load_state_dict(states[kind])
        assert not optimizer.state


def test_rows_that_are_named_often_are_caught_up_once() -> None:
    for kind, options in ((RowSGD, {"momentum": 0.9, "weight_decay": 0.5}), (RowAdamW, {"weight_decay": 0.5})):
        found = []
        # More of them than are worked on at once.
        for count in (1, 3000):
            parameter = nn.Parameter(torch.ones(9, 256))
            optimizer: Any = kind([parameter], lr=0.1, **options)
            for row in (3, 7, 7, 7):
                give(optimizer, parameter, torch.tensor([row]), torch.ones(1, 256))
            optimizer.catch_up(parameter, torch.tensor([3] * count))
            found.append(parameter.detach().clone())
        assert torch.equal(*found)


def test_sums_of_many_terms_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    last, found = torch.tensor([0, 3, 3, 90, 17, 0, 400]), []
    ledger = Decays(torch.device("cpu"))
    ledger.extend([(0.1 / step, 0.01) for step in range(1, 501)])
    for betas in ((0.9, 0.999), (0.99, 0.999), (0.9, 0.0)):
        found = []
        for terms in (1, 1 << 18):
            monkeypatch.setattr(_adamw, "_TERMS", terms)
            made = _adamw._sum(ledger, betas, last, 500, 1e-18)
            assert made is not None
            found.append(made)
        for one, other in zip(*found):
            assert len(one) == len(last)
            torch.testing.assert_close(one, other)


def test_many_gradients_of_a_row_in_bf16_are_all_counted() -> None:
    parameter = nn.Parameter(torch.zeros(4, 2, dtype=torch.bfloat16))
    optimizer = RowSGD([parameter], lr=1.0)
    rows, values = torch.ones(1, 1000, dtype=torch.int64), torch.ones(1000, 2, dtype=torch.bfloat16)
    parameter.grad = torch.sparse_coo_tensor(rows, values, parameter.shape, check_invariants=True)
    optimizer.step()
    torch.testing.assert_close(parameter[1].float(), torch.tensor([-1000.0, -1000.0]), rtol=1 / 128, atol=0)


def test_an_evaluation_in_inference_mode_after_a_resume() -> None:
    for kind, options in ((RowAdamW, {}), (RowSGD, {"momentum": 0.9})):
        parameter = nn.Parameter(torch.ones(6, 3))
        optimizer: Any = kind([parameter], lr=0.1, weight_decay=0.1, **options)
        for row in (1, 2, 3):
            give(optimizer, parameter, torch.tensor([row]), torch.ones(1, 3))
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        with torch.inference_mode():
            optimizer.catch_up()
        # A file may hold lists in place of tuples.
        kept = copy.deepcopy(optimizer.state_dict())
        for values in kept["state"].values():
            values["fixed"] = [list(value) if isinstance(value, tuple) else value for value in values["fixed"]]
        optimizer.load_state_dict(kept)
        # As many steps as need a larger ledger.
        for step in range(40):
            give(optimizer, parameter, torch.tensor([step % 6]), torch.ones(1, 3))
        optimizer.catch_up()
        assert parameter.isfinite().all()


def test_a_refused_group_leaves_its_parameters_where_they_were() -> None:
    parameter, other = nn.Parameter(torch.ones(4, 3)), nn.Parameter(torch.ones(2, 3))
    optimizer, second = RowAdamW([parameter]), RowAdamW([other])
    with pytest.raises(TypeError, match="dtype torch.float16"):
        second.add_param_group({"params": [parameter, nn.Parameter(torch.ones(2, 2).half())]})
    assert optimizer_of(parameter) is optimizer and len(second.param_groups) == 1
