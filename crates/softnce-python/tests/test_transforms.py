"""torch.func, forward mode, second derivatives and batched gradients: the same as those of the definition."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from functools import partial
from typing import Any, Callable, Dict

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap
from torch.utils._python_dispatch import TorchDispatchMode

from reference import FORMS, close, cross_entropy, info_nce, random_logits, random_noise, random_targets, written_out
from softnce.head import InfoNCEHead
from softnce.torch import (
    InfoNCE,
    MixedTargets,
    SoftTargetCrossEntropy,
    SoftTargetInfoNCE,
    TargetQueue,
    soft_target_cross_entropy,
    soft_target_info_nce,
)
from softnce.torch import info_nce as info_nce_loss

# PyTorch compiles its own formulas of forward mode by a deprecated function at their first use, and warns of references
# that a gradient with a graph holds.
WARNINGS = pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.script.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True:UserWarning"),
]

ROWS, CLASSES, TAU = 6, 5, 0.7
Function = Callable[[Tensor], Tensor]


def forward_mode(function: Function, at: Tensor, along: Tensor) -> Tensor:
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(function(forward_ad.make_dual(at, along))).tangent


def double_backward(function: Function, at: Tensor, along: Tensor) -> Tensor:
    leaf = at.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(leaf), leaf, create_graph=True)
    return torch.autograd.grad(gradient.pow(2).sum(), leaf)[0]


def batched_gradients(function: Function, at: Tensor, along: Tensor) -> Tensor:
    leaf = at.clone().requires_grad_()
    factors = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    return torch.autograd.grad(function(leaf), leaf, factors, is_grads_batched=True)[0]


#: What a user may do with a function of the logits, at a point and along a direction.
TRANSFORMS: Dict[str, Callable[[Function, Tensor, Tensor], Tensor]] = {
    "grad": lambda function, at, along: grad(function)(at),
    "vjp": lambda function, at, along: vjp(function, at)[1](torch.tensor(2.0).double())[0],
    "jvp": lambda function, at, along: jvp(function, (at,), (along,))[1],
    "jacrev": lambda function, at, along: jacrev(function)(at),
    "jacfwd": lambda function, at, along: jacfwd(function)(at),
    "vmap": lambda function, at, along: vmap(function)(torch.stack([at, along])),
    "vmap of grad": lambda function, at, along: vmap(grad(function))(torch.stack([at, along])),
    "grad of vmap": lambda function, at, along: grad(lambda x: vmap(function)(x).sum())(torch.stack([at, along])),
    "hessian": lambda function, at, along: hessian(function)(at),
    "forward mode": forward_mode,
    "double backward": double_backward,
    "is_grads_batched": batched_gradients,
}


def compare(function: Function, expected: Function, transform: str) -> None:
    at, along = random_logits(ROWS, CLASSES, 1), random_logits(ROWS, CLASSES, 2)
    close(TRANSFORMS[transform](function, at, along), TRANSFORMS[transform](expected, at, along), 1e-11)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("backend", ["kernel", "tensor"])
def test_every_transform(transform: str, form: str, backend: str) -> None:
    noise, targets = random_noise(CLASSES), random_targets(form, ROWS, CLASSES)
    rows = written_out(targets, CLASSES)
    criterion = SoftTargetInfoNCE(TAU, noise_probs=noise, backend=backend)
    compare(lambda z: criterion(z, targets), lambda z: info_nce(z, rows, noise=noise, tau=TAU).mean(), transform)
    entropy = SoftTargetCrossEntropy(TAU, "sum", backend=backend)
    compare(lambda z: entropy(z, targets), lambda z: cross_entropy(z, rows, TAU).sum(), transform)
    if form.startswith("labels"):
        hard = InfoNCE(TAU, noise_probs=noise, backend=backend)
        compare(lambda z: hard(z, targets), lambda z: info_nce(z, rows, noise=noise, tau=TAU).mean(), transform)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_all_arguments_at_once(transform: str) -> None:
    noise = random_noise(CLASSES)
    own, others = random_targets("mixed", ROWS, CLASSES, 1), random_targets("shares", 4, CLASSES, 2)
    further = random_targets("dense", 3, CLASSES, 3)
    rows = torch.cat([written_out(part, CLASSES) for part in (own, others, further)])
    total = len(rows)
    positives = torch.tensor([12, 0, 3, 7, 7, 1])
    times = torch.arange(total, dtype=torch.float64).remainder(3)
    weights = torch.rand(ROWS, dtype=torch.float64) + 0.1
    times[positives] = 2.0

    def ours(logits: Tensor) -> Tensor:
        return SoftTargetInfoNCE(TAU, noise_probs=noise)(
            logits,
            own,
            candidates=[others, further],
            positives=positives,
            multiplicities=times,
            row_weights=weights,
        )

    def expected(logits: Tensor) -> Tensor:
        losses = info_nce(logits, rows, noise=noise, tau=TAU, positives=positives, multiplicities=times)
        return (losses * weights).sum() / weights.sum()

    compare(ours, expected, transform)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_shapes_and_ignored_labels(transform: str) -> None:
    labels = torch.tensor([[0, -100, 3], [4, 1, 1]])
    criterion = SoftTargetCrossEntropy(dim=1, ignore_index=-100, label_smoothing=0.1)
    expected = nn.CrossEntropyLoss(label_smoothing=0.1)

    def shaped(loss: nn.Module) -> Function:
        return lambda logits: loss(logits.reshape(2, 3, CLASSES).movedim(2, 1), labels)

    compare(shaped(criterion), shaped(expected), transform)


def test_targets_of_every_sample() -> None:
    logits = torch.stack([random_logits(ROWS, CLASSES, seed) for seed in range(3)])
    criterion = SoftTargetInfoNCE(TAU)
    for form in ("labels", "mixed", "dense", "shares"):
        each = [random_targets(form, ROWS, CLASSES, seed) for seed in range(3)]
        expected = torch.stack([criterion(*pair) for pair in zip(logits, each)])
        if form in ("mixed", "shares"):
            weights = torch.stack([targets.weights for targets in each])
            classes = torch.stack([targets.classes for targets in each])
            share = each[0].uniform if form == "mixed" else torch.stack([targets.uniform for targets in each])

            def compact(z: Tensor, k: Tensor, w: Tensor, u: Any) -> Tensor:
                return criterion(z, MixedTargets.compact(u, k, w, CLASSES))

            found = vmap(compact, in_dims=(0, 0, 0, None if form == "mixed" else 0))(logits, classes, weights, share)
        else:
            found = vmap(criterion)(logits, torch.stack(each))
        close(found, expected, 1e-12)


@pytest.mark.parametrize("learned", [False, True])
def test_gradients_of_every_sample_of_a_model(learned: bool) -> None:
    # Each sample is a batch of one with further candidates, as in training with differential privacy.
    torch.manual_seed(0)
    model = nn.Linear(4, CLASSES).double()
    criterion = SoftTargetInfoNCE(TAU, learn_temperature=learned).double()
    pictures, labels = torch.randn(ROWS, 4).double(), torch.randint(CLASSES, (ROWS,))
    everything = torch.arange(CLASSES)
    parameters = {**dict(model.named_parameters(prefix="model")), **dict(criterion.named_parameters(prefix="loss"))}

    def loss(values: Dict[str, Tensor], picture: Tensor, label: Tensor) -> Tensor:
        parts = [{n[len(p) :]: v for n, v in values.items() if n.startswith(p)} for p in ("model.", "loss.")]
        logits = functional_call(model, parts[0], (picture[None],))
        return functional_call(criterion, parts[1], (logits, label[None]), {"candidates": everything})

    found = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, pictures, labels)
    for row in range(ROWS):
        model.zero_grad()
        criterion.zero_grad()
        criterion(model(pictures[row : row + 1]), labels[row : row + 1], candidates=everything).backward()
        for name, parameter in [*model.named_parameters("model"), *criterion.named_parameters("loss")]:
            close(found[name][row], parameter.grad, 1e-12)


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_second_derivatives_by_logits_and_temperature(backend: str, reduction: str) -> None:
    criterion = SoftTargetInfoNCE(TAU, reduction, learn_temperature=True, backend=backend).double()
    logits, targets = random_logits(4, 3).requires_grad_(), random_targets("mixed", 4, 3)

    def loss(z: Tensor, log: Tensor) -> Tensor:
        return functional_call(criterion, {"log_temperature": log}, (z, targets))

    log = criterion.log_temperature.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(loss, (logits, log), check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(loss, (logits, log))


def test_memory_of_the_graph_is_freed() -> None:
    logits = random_logits(4, 3).requires_grad_()
    loss = SoftTargetInfoNCE()(logits, random_targets("mixed", 4, 3))
    loss.backward(create_graph=True)
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@pytest.mark.parametrize("transform", ["grad", "jvp", "hessian", "forward mode"])
def test_errors_are_those_of_a_plain_call(transform: str) -> None:
    criterion, at = SoftTargetInfoNCE(), random_logits(ROWS, CLASSES)
    for targets in (torch.full((ROWS,), 9), torch.full((ROWS, CLASSES), 0.5), torch.zeros(ROWS + 1, CLASSES - 1)):
        messages = []
        for call in (lambda function: function(at), lambda function: TRANSFORMS[transform](function, at, at)):
            with pytest.raises((ValueError, IndexError)) as caught:
                call(partial(criterion, targets=targets))
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


def test_a_queue_is_used_and_not_filled() -> None:
    logits, targets = random_logits(ROWS, CLASSES), random_targets("mixed", ROWS, CLASSES)
    criterion = SoftTargetInfoNCE(queue=TargetQueue(16, CLASSES))
    first = criterion(logits, random_targets("mixed", ROWS, CLASSES, 9))
    assert first.isfinite() and int(criterion.queue.place) == ROWS
    found = grad(lambda z: criterion(z, targets))(logits)
    assert int(criterion.queue.place) == ROWS
    leaf = logits.requires_grad_()
    close(found, torch.autograd.grad(criterion(leaf, targets), leaf)[0], 1e-12)
    assert int(criterion.queue.place) == 2 * ROWS


def test_compiled_transforms() -> None:
    logits, targets = random_logits(ROWS, CLASSES), random_targets("mixed", ROWS, CLASSES)
    gradient = grad(lambda z: SoftTargetInfoNCE(TAU)(z, targets))
    compiled = torch.compile(lambda z: vmap(gradient)(z), backend="aot_eager")
    close(compiled(torch.stack([logits, -logits])), torch.stack([gradient(logits), gradient(-logits)]), 1e-12)


def test_the_head() -> None:
    torch.manual_seed(0)
    head = InfoNCEHead(3, CLASSES, init_std=0.5).double().requires_grad_(False)
    features, targets = torch.randn(ROWS, 3).double(), random_targets("mixed", ROWS, CLASSES)
    expected = SoftTargetInfoNCE()

    def by_logits(x: Tensor) -> Tensor:
        return expected(x @ head.weight.T, targets)

    close(grad(lambda x: head(x, targets))(features), grad(by_logits)(features), 1e-12)
    close(hessian(lambda x: head(x, targets))(features), hessian(by_logits)(features), 1e-12)
    leaf = features.requires_grad_()
    with pytest.raises(RuntimeError, match=r"head\.logits\(features\)"):
        torch.autograd.grad(head(leaf, targets), leaf, create_graph=True)


def test_timms_adahessian() -> None:
    optim = pytest.importorskip("timm.optim")
    targets = random_targets("mixed", 32, CLASSES).dense(torch.float32)
    losses = []
    for criterion in (SoftTargetCrossEntropy(), nn.CrossEntropyLoss(), SoftTargetInfoNCE(gather=False)):
        torch.manual_seed(0)
        model, pictures = nn.Linear(4, CLASSES), torch.randn(32, 4)
        optimiser = optim.create_optimizer_v2(model, "adahessian", lr=0.1)
        values = []
        for _ in range(20):
            loss = criterion(model(pictures), targets)
            optimiser.zero_grad()
            loss.backward(create_graph=True)
            optimiser.step()
            values.append(float(loss.detach()))
        losses.append(values)
    torch.testing.assert_close(torch.tensor(losses[0]), torch.tensor(losses[1]), rtol=1e-3, atol=1e-3)
    assert losses[2][-1] < losses[2][0] - 0.05


def test_transforms_do_not_import_the_compiler() -> None:
    code = """
import sys, torch, softnce.torch
criterion, logits = softnce.torch.SoftTargetInfoNCE(), torch.randn(3, 4, requires_grad=True)
gradient, = torch.autograd.grad(criterion(logits, torch.tensor([0, 1, 2])), logits, create_graph=True)
assert "torch._inductor" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_second_derivatives_with_a_queue() -> None:
    # The queue has the candidates of the first call only in what the pushes since have replaced.
    criterion = SoftTargetInfoNCE(queue=TargetQueue(8, CLASSES))
    stored = random_targets("mixed", 7, CLASSES, 5)
    criterion.queue.push(stored)
    calls = []
    for seed in range(4):
        logits, targets = random_logits(3, CLASSES, seed).requires_grad_(), random_targets("mixed", 3, CLASSES, seed)
        calls.append((logits, targets, criterion(logits, targets)))
    logits, targets, loss = calls[0]
    (gradient,) = torch.autograd.grad(loss, logits, create_graph=True)
    (found,) = torch.autograd.grad(gradient.pow(2).sum(), logits)
    rows = torch.cat([written_out(part, CLASSES) for part in (targets, stored)])
    close(found, double_backward(lambda z: info_nce(z, rows).mean(), logits.detach(), logits.detach()), 1e-12)
    loss = criterion(logits, random_targets("mixed", 3, CLASSES, 9))
    for seed in range(4):
        criterion(logits, random_targets("mixed", 3, CLASSES, 10 + seed))
    with pytest.raises(RuntimeError, match="no longer knows the candidates"):
        torch.autograd.grad(loss, logits, create_graph=True)
    # First derivatives are known.
    torch.autograd.grad(loss, logits)


class Mode(TorchDispatchMode):
    """Stands for the modes that count or record operations."""

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        return function(*arguments, **(options or {}))


@pytest.mark.parametrize("form", ["labels", "mixed", "dense"])
def test_second_derivatives_in_a_dispatch_mode(form: str) -> None:
    targets, at = random_targets(form, ROWS, CLASSES), random_logits(ROWS, CLASSES)
    function = partial(SoftTargetInfoNCE(TAU), targets=targets)
    expected = double_backward(function, at, at)
    with Mode():
        found = double_backward(function, at, at)
    close(found, expected, 1e-12)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_second_derivatives_inside_a_compiled_function() -> None:
    targets, at = random_targets("mixed", ROWS, CLASSES), random_logits(ROWS, CLASSES)
    function = partial(SoftTargetInfoNCE(TAU), targets=targets)

    def penalty(leaf: Tensor) -> Tensor:
        (gradient,) = torch.autograd.grad(function(leaf), leaf, create_graph=True)
        return gradient.pow(2).sum()

    leaf = at.clone().requires_grad_()
    (found,) = torch.autograd.grad(torch.compile(penalty, backend="eager")(leaf), leaf)
    close(found, double_backward(function, at, at), 1e-12)


def test_more_targets_than_rows() -> None:
    share = torch.tensor([0.1, 0.3, 0.5], dtype=torch.float64)
    targets = MixedTargets.compact(share, torch.tensor([[0], [1], [2]]), (1 - share)[:, None], 4)
    for rows in (1, 2):
        at = random_logits(rows, 4)
        function = partial(SoftTargetCrossEntropy(reduction="sum"), targets=targets)
        expected = partial(SoftTargetCrossEntropy(reduction="sum"), targets=targets[:rows])
        close(grad(function)(at), grad(expected)(at), 1e-12)
        close(double_backward(function, at, at), double_backward(expected, at, at), 1e-12)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("check_values", [True, False])
def test_shapes_are_always_checked(check_values: bool) -> None:
    at, labels = random_logits(ROWS, CLASSES), torch.zeros(ROWS, dtype=torch.int64)
    rows = torch.full((ROWS, CLASSES), 1.0 / CLASSES)
    calls: Any = [
        lambda z: soft_target_info_nce(z, labels, row_weights=torch.ones(1), check_values=check_values),
        lambda z: soft_target_cross_entropy(z, rows[:1], check_values=check_values),
        lambda z: soft_target_info_nce(z, rows, noise_probs=torch.ones(1), check_values=check_values),
        lambda z: info_nce_loss(z, labels, temperature=-1.0, check_values=check_values),
    ]
    for call in calls:
        batched = vmap(call)
        compiled = torch.compile(grad(call), backend="eager")
        for function in (grad(call), lambda z, batched=batched: batched(z[None]), compiled):
            with pytest.raises(ValueError, match="shape|candidates is 1|temperature"):
                function(at)


def test_soft_rows_for_a_loss_of_hard_labels() -> None:
    soft = random_targets("dense", ROWS, CLASSES)
    with pytest.raises(ValueError, match="targets"):
        grad(lambda z: info_nce_loss(z, soft, check_values=False))(random_logits(ROWS, CLASSES))


def test_arguments_modified_before_second_derivatives() -> None:
    noise, share = random_noise(CLASSES), torch.full((ROWS,), 0.1, dtype=torch.float64)
    labels = torch.arange(ROWS)[:, None] % CLASSES
    targets = MixedTargets.compact(share, labels, torch.full((ROWS, 1), 0.9, dtype=torch.float64), CLASSES)
    for tensor in (noise, share):
        leaf = random_logits(ROWS, CLASSES).requires_grad_()
        loss = soft_target_info_nce(leaf, targets, noise_probs=noise)
        tensor.mul_(1.0)
        with pytest.raises(RuntimeError, match="modified in place"):
            torch.autograd.grad(loss, leaf, create_graph=True)


def test_a_queue_that_was_held() -> None:
    criterion = SoftTargetInfoNCE(queue=TargetQueue(8, CLASSES))
    batches = [random_targets("labels", ROWS, CLASSES, seed) for seed in range(5)]
    for labels in batches[:3]:
        criterion(random_logits(ROWS, CLASSES), labels)
    leaf = random_logits(ROWS, CLASSES).requires_grad_()
    with criterion.queue.held():
        loss = criterion(leaf, batches[3])
    criterion(leaf, batches[4])
    # This call has the same targets and other candidates.
    criterion(leaf, batches[3])
    with pytest.raises(RuntimeError, match="no longer knows"):
        torch.autograd.grad(loss, leaf, create_graph=True)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_belong_to_the_user(weighted: bool) -> None:
    criterion = SoftTargetInfoNCE(learn_temperature=True).double()
    leaf, labels = random_logits(ROWS, CLASSES).requires_grad_(), torch.arange(ROWS) % CLASSES
    loss = criterion(leaf, labels, **({"row_weights": torch.ones(ROWS)} if weighted else {}))
    inputs = (leaf, criterion.log_temperature)
    first = torch.autograd.grad(loss, inputs, retain_graph=True)
    expected = [gradient.clone() for gradient in first]
    for gradient in first:
        gradient.zero_()
    for found, wanted in zip(torch.autograd.grad(loss, inputs), expected):
        close(found, wanted, 0.0)


def test_targets_are_freed_with_the_graph() -> None:
    leaf, targets = random_logits(ROWS, CLASSES).requires_grad_(), random_targets("dense", ROWS, CLASSES)
    seen = weakref.ref(targets)
    loss = soft_target_cross_entropy(leaf, targets)
    loss.backward()
    del targets
    gc.collect()
    assert seen() is None


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_one_learned_temperature_on_every_path(dtype: torch.dtype) -> None:
    logits, labels = random_logits(ROWS, CLASSES, dtype=dtype), torch.arange(ROWS) % CLASSES
    found = []
    for backend in ("auto", "tensor"):
        criterion = SoftTargetCrossEntropy(0.07, learn_temperature=True, backend=backend).to(dtype)
        posterior = criterion.posterior(logits).gather(1, labels[:, None]).log().mean().neg()
        for loss in (criterion(logits, labels), posterior):
            found.append(float(loss.detach()))
    assert max(found) - min(found) < 1e-5 * max(found)
    tall = torch.ones(1, 1, 1)
    for backend in ("auto", "tensor"):
        assert float(soft_target_info_nce(logits, labels, temperature=tall, backend=backend)) > 0


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
def test_a_learned_temperature_that_is_no_number(backend: str) -> None:
    criterion = SoftTargetInfoNCE(learn_temperature=True, backend=backend)
    with torch.no_grad():
        criterion.log_temperature.fill_(float("nan"))
    with pytest.raises(ValueError, match="temperature is nan|NaN"):
        criterion(random_logits(3, 4), torch.tensor([0, 1, 2]))
