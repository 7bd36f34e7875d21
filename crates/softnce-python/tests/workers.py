"""What the workers of the distributed tests do: ``python workers.py RANK WORLD FOLDER TASK ...``."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any, Dict, List, Tuple

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from reference import generator, golden_files, random_logits, random_noise, random_targets
from softnce.head import InfoNCEHead
from softnce.optim import RowAdamW
from softnce.torch import ClassCandidates, InfoNCE, MixedTargets, SoftTargetCrossEntropy, SoftTargetInfoNCE, TargetQueue

CLASSES, FEATURES, STEPS = 7, 5, 4
#: Rows of each worker at each step, by number of workers.
ROWS: Dict[int, List[List[int]]] = {
    1: [[0]],
    2: [[3, 5], [6, 1], [2, 2], [4, 0]],
    3: [[3, 5, 2], [1, 1, 6], [4, 0, 3], [2, 2, 2]],
}


def batches(world: int, form: str) -> List[List[Tuple[Tensor, Any]]]:
    """The pictures and targets of each worker at each step."""
    steps = []
    for step, counts in enumerate(ROWS[world]):
        total = sum(counts)
        pictures = torch.randn(total, FEATURES, dtype=torch.float64, generator=generator(100 + step))
        kind = form
        if form == "unlike":
            # Each worker's own form: dense rows settle it for all.
            kind = "mixed"
        targets = random_targets(kind, total, CLASSES, 200 + step)
        parts, first = [], 0
        for rank, count in enumerate(counts):
            own = targets[first : first + count]
            if form == "unlike" and rank == step % world:
                own = own.dense(torch.float64)
                if step % 2:
                    own = torch.softmax(torch.log(own + 0.01) * 1.5, 1)
            parts.append((pictures[first : first + count], own))
            first += count
        steps.append(parts)
    return steps


def join(targets: List[Any]) -> Any:
    """The targets of all workers as one process has them."""
    if all(isinstance(part, MixedTargets) for part in targets):
        return MixedTargets.cat(targets)
    return torch.cat([part.dense(torch.float64) if isinstance(part, MixedTargets) else part for part in targets])


def model() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(FEATURES, 8), nn.Tanh(), nn.Linear(8, CLASSES)).double()


def criterion(loss: str, **options: Any) -> nn.Module:
    if loss == "infonce":
        return InfoNCE(0.7, noise_probs=random_noise(CLASSES), **options)
    queue = TargetQueue(6, CLASSES) if loss == "queue" else None
    if loss == "classes":
        options["candidates"] = "classes"
    return SoftTargetInfoNCE(
        0.7, noise_probs=random_noise(CLASSES), queue=queue, learn_temperature=True, **options
    ).double()


class WithLoss(nn.Module):
    """Model and criterion in one, so that DistributedDataParallel averages the temperature's gradient too."""

    def __init__(self, loss: str, **options: Any) -> None:
        super().__init__()
        self.model, self.criterion = model(), criterion(loss, **options)

    def forward(self, pictures: Tensor, targets: Any, row_weights: Any = None) -> Tensor:
        return self.criterion(self.model(pictures), targets, row_weights=row_weights)


class HeadModel(nn.Module):
    """A network that ends in a head without logits."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.body = nn.Sequential(nn.Linear(FEATURES, 6), nn.Tanh()).double()
        self.head = InfoNCEHead(
            6, CLASSES, True, init_std=0.3, noise_probs=random_noise(CLASSES), dtype=torch.float64, **options
        )

    def forward(self, pictures: Tensor, targets: Any, row_weights: Any = None) -> Tensor:
        return self.head(self.body(pictures), targets, row_weights=row_weights)


def network(loss: str, **options: Any) -> nn.Module:
    if loss == "head":
        return HeadModel(sparse=False, **options)
    if loss == "sparse-head":
        return HeadModel(sparse=True, **options)
    return WithLoss(loss, **options)


def weights_of(rows: int, step: int, first: int) -> Tensor:
    """A weight for each row of a step."""
    return torch.rand(64, dtype=torch.float64, generator=generator(300 + step))[first : first + rows] + 0.1


def train(net: nn.Module, data: List[Tuple[Tensor, Any, Any]]) -> Dict[str, Tensor]:
    """A few steps of stochastic gradient descent; the parameters."""
    optimiser = torch.optim.SGD(net.parameters(), lr=0.3)
    losses = []
    for pictures, targets, weights in data:
        optimiser.zero_grad()
        loss = net(pictures, targets, weights)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    plain = {name.replace("_orig_mod.", "").replace("module.", ""): value for name, value in net.named_parameters()}
    return {"losses": torch.stack(losses), **{name: value.detach() for name, value in plain.items()}}


def one_process(world: int, loss: str, form: str, weighted: bool) -> Dict[str, Tensor]:
    """The same training in one process over everyone's rows."""
    data = []
    for step, parts in enumerate(batches(world, form)):
        pictures = torch.cat([part[0] for part in parts])
        weights = weights_of(len(pictures), step, 0) if weighted else None
        data.append((pictures, join([part[1] for part in parts]), weights))
    return train(network(loss, gather=False), data)


def main() -> None:
    rank, world, folder, task = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{os.path.join(folder, 'meeting')}",
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=60),
    )
    result = TASKS[task](rank, world, sys.argv[5:])
    torch.save(result, os.path.join(folder, f"{rank}.pt"))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def train_in_a_group(rank: int, world: int, arguments: List[str]) -> Dict[str, Tensor]:
    loss, form, backend, weighted, compiled = arguments
    data = []
    for step, parts in enumerate(batches(world, form)):
        first = sum(len(part[0]) for part in parts[:rank])
        pictures, targets = parts[rank]
        weights = weights_of(len(pictures), step, first) if weighted == "True" else None
        data.append((pictures, targets, weights))
    net: nn.Module = DistributedDataParallel(network(loss, backend=backend), find_unused_parameters=False)
    if compiled == "True":
        net = torch.compile(net, backend="aot_eager")
    return train(net, data)


def golden(rank: int, world: int, arguments: List[str]) -> Dict[str, Tensor]:
    """Golden files of a group: each worker has its own rows alone."""
    from softnce.torch import soft_target_info_nce

    out = {}
    for file in golden_files():
        if file.world != world or file.rank != rank:
            continue
        logits = file.tensors["logits"].requires_grad_()
        own = file.tensors["targets"][file.first_positive : file.first_positive + len(logits)]
        loss = soft_target_info_nce(
            logits,
            own,
            noise_probs=file.tensors["noise_probs"],
            temperature=file.temperature,
            reduction=file.reduction,
            gather=True,
            backend=arguments[0],
        )
        (gradient,) = torch.autograd.grad(loss, logits)
        out[f"{file.name} loss"] = loss.detach().reshape(1) - file.tensors["loss"]
        out[f"{file.name} gradient"] = gradient - file.tensors["grad_logits"]
    return out


def refusals(rank: int, world: int, arguments: List[str]) -> Dict[str, str]:
    """Errors that every worker must see, so that none waits for the others."""
    out = {}

    def attempt(name: str, *given: Any, **options: Any) -> None:
        from softnce.torch import soft_target_info_nce

        try:
            soft_target_info_nce(*given, gather=True, **options)
        except (ValueError, IndexError) as error:
            out[name] = f"{type(error).__name__}: {error}"

    classes = 3 + rank
    attempt("classes", torch.zeros(1, classes), torch.tensor([0]))
    attempt("rows", torch.zeros(1, 3), torch.tensor([0, 1]))
    attempt("positives", torch.zeros(1, 3), torch.tensor([0]), positives=torch.tensor([0]))
    bad = torch.full((1, 3), 0.5) if rank == 0 else torch.tensor([0])
    attempt("bad", torch.zeros(1, 3), bad)
    alone = torch.distributed.new_group([1])
    attempt("member", torch.zeros(1, 3), torch.tensor([0]), process_group=alone)
    attempt("empty", torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    # Evaluation on one worker alone does not wait for the others.
    criterion = SoftTargetInfoNCE()
    if rank == 0:
        with torch.no_grad():
            out["alone"] = str(float(criterion(torch.zeros(2, 3), torch.tensor([0, 1]))))
        out["eval"] = str(float(criterion.eval()(torch.zeros(2, 3), torch.tensor([0, 1]))))
    return out


def beside(rank: int, world: int, arguments: List[str]) -> Dict[str, Tensor]:
    """A criterion beside the model that DistributedDataParallel wraps."""
    compiled, kind = arguments
    net = WithLoss("soft")
    if kind != "info-nce":
        net.criterion = soft_cross_entropy()
    net.model = DistributedDataParallel(net.model)
    if compiled == "True":
        net.criterion = torch.compile(net.criterion, backend="aot_eager")
    return train(net, [(*parts[rank], None) for parts in batches(world, "mixed")])


def soft_cross_entropy() -> nn.Module:
    """A criterion that gathers nothing. Its loss is a sum, which is the same for any division of the rows."""
    return SoftTargetCrossEntropy(0.7, "sum", learn_temperature=True).double()


def beside_in_one_process(world: int, kind: str) -> Dict[str, Tensor]:
    """The same training in one process."""
    net = WithLoss("soft", gather=False)
    factor = 1.0
    if kind != "info-nce":
        net.criterion, factor = soft_cross_entropy(), 1.0 / world
    data = []
    for parts in batches(world, "mixed"):
        pictures, targets = torch.cat([part[0] for part in parts]), join([part[1] for part in parts])
        data.append((pictures, targets, None if factor == 1.0 else torch.full((len(pictures),), factor).double()))
    return train(net, data)


def fully_sharded(rank: int, world: int, arguments: List[str]) -> Dict[str, Tensor]:
    """FSDP2 with the criterion in the sharded module or beside it."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    net, mesh = WithLoss("soft"), init_device_mesh("cpu", (world,))
    fully_shard(net if arguments[0] == "inside" else net.model, mesh=mesh)
    found = train(net, [(*parts[rank], None) for parts in batches(world, "mixed")])
    return {name: value.full_tensor() if hasattr(value, "full_tensor") else value for name, value in found.items()}


def distributed_tensors(rank: int, world: int, arguments: List[str]) -> Dict[str, Tensor]:
    """Logits that are sharded over the workers, by rows or by classes, with plain and with sharded targets."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    mesh, out = init_device_mesh("cpu", (world,)), {}
    dense, labels, logits = sharded_inputs()
    for dim in (0, 1):
        for name, targets in (
            ("labels", labels),
            ("dense", dense),
            ("sharded", distribute_tensor(dense, mesh, [Shard(dim)])),
        ):
            sharded = distribute_tensor(logits, mesh, [Shard(dim)]).requires_grad_()
            loss = SoftTargetInfoNCE(0.5, gather=False, backend=arguments[0])(sharded, targets)
            loss.backward()
            assert sharded.grad is not None and sharded.grad.placements == sharded.placements
            out[f"{name} {dim}"] = torch.cat([loss.detach().reshape(1), sharded.grad.full_tensor().reshape(-1)])
    return out


def sharded_inputs() -> Tuple[Tensor, Tensor, Tensor]:
    """Dense targets, labels and logits."""
    return random_targets("dense", 6, 4, 1), random_targets("labels", 6, 4, 2), random_logits(6, 4, 3)


def second_derivatives(rank: int, world: int, arguments: List[str]) -> Dict[str, Tensor]:
    """Of a learned temperature, whose first gradient is averaged; and torch.func with gathered targets."""
    from softnce.torch import soft_target_info_nce

    logits, labels = random_logits(4, 3, rank), random_targets("labels", 4, 3, rank)
    made = SoftTargetInfoNCE(0.7, learn_temperature=True, gather=False).double()
    (gradient,) = torch.autograd.grad(made(logits, labels), made.log_temperature, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), made.log_temperature)

    def loss(temperature: Tensor) -> Tensor:
        return soft_target_info_nce(logits, labels, temperature=temperature, gather=True)

    return {"second": second, "hessian": torch.func.hessian(loss)(torch.tensor(0.7, dtype=torch.float64))}


#: The rows of each worker in ``class_candidates``, and how many of them are ignored.
SHARDS, IGNORED = (3, 5, 2), (1, 0, 2)


def class_inputs() -> Tuple[Tensor, Tensor, Tensor]:
    """Logits, labels of which some are ignored, and row weights of all workers in ``class_candidates``."""
    rows = sum(SHARDS)
    labels = torch.cat([part[1] for part in _shards(random_targets("labels", rows, CLASSES))])
    return random_logits(rows, CLASSES), labels, weights_of(rows, 0, 0)


def _shards(labels: Tensor) -> List[Tuple[int, Tensor]]:
    """The first row of each worker, and its labels."""
    out, first = [], 0
    for rows, ignored in zip(SHARDS, IGNORED):
        own = labels[first : first + rows].clone()
        own[:ignored] = -100
        out.append((first, own))
        first += rows
    return out


def class_candidates(rank: int, world: int, arguments: List[str]) -> Dict[str, Any]:
    """Classes as candidates on workers with different numbers of rows, of which some or all are ignored."""
    from softnce.torch import ClassCandidates, soft_target_info_nce

    logits, labels, weights = class_inputs()
    first, own = _shards(labels)[rank]
    rows = slice(first, first + len(own))
    noise, out = random_noise(CLASSES), {}
    made = SoftTargetInfoNCE(0.7, noise_probs=noise, candidates="classes", ignore_index=-100, backend=arguments[0])
    for name, given in (("plain", None), ("weighted", weights[rows])):
        leaf = logits[rows].clone().requires_grad_()
        loss = made(leaf, own, row_weights=given)
        out[name] = (loss.detach(), torch.autograd.grad(loss, leaf)[0])
    out["alone"] = made.eval()(logits[rows], own)
    made.train().gather = False
    out["local"] = made(logits[rows], own)
    many = SoftTargetInfoNCE(0.7, noise_probs=noise, candidates=ClassCandidates(10**6), ignore_index=-100)
    out["drawn"] = many(logits[rows], own)
    # Zero weights of one worker are valid, those of all workers are not.
    unweighted = torch.zeros(len(own)) if rank == 0 else None
    settings: Dict[str, Any] = {"candidates": "classes", "noise_probs": noise, "gather": True, "backend": arguments[0]}
    out["zero"] = soft_target_info_nce(logits[rows], own.clamp(0), row_weights=unweighted, **settings)
    try:
        soft_target_info_nce(logits[rows], own.clamp(0), row_weights=torch.zeros(len(own)), **settings)
    except ValueError as error:
        out["error"] = str(error)

    def loss_of(temperature: Tensor) -> Tensor:
        return soft_target_info_nce(logits[rows], own.clamp(0), temperature=temperature, **settings)

    out["slope"] = torch.func.grad(loss_of)(torch.tensor(0.7, dtype=torch.float64))
    return out


class Words(nn.Module):
    """Embedded words, and a head over many classes; a worker reads other rows of both than the others."""

    def __init__(self, kind: str, dtype: torch.dtype) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.words = nn.Embedding(MANY, 4, sparse=True, dtype=dtype)
        options: Dict[str, Any] = {"gather": kind != "local"}
        if kind == "drawn":
            options["candidates"] = ClassCandidates(5)
        self.head = InfoNCEHead(4, MANY, True, init_std=0.3, dtype=dtype, **options)

    def forward(self, words: Tensor, labels: Tensor) -> Tensor:
        return self.head(self.words(words).sum(1), labels)


#: Words and classes of ``Words``, and its steps.
MANY, WORD_STEPS = 40, 25


def train_words(rank: int, world: int, kind: str, dtype: torch.dtype) -> Dict[str, Tensor]:
    """The rows of one worker among so many, in steps in which weight decay and momentum matter."""
    plain = Words(kind, dtype)
    optimizer = RowAdamW(plain.parameters(), lr=0.05, weight_decay=0.3, seed=2)
    optimizer.watch(plain)
    net: nn.Module = DistributedDataParallel(plain) if world > 1 else plain
    torch.manual_seed(rank)
    for step in range(WORD_STEPS):
        optimizer.param_groups[0]["lr"] = 0.05 / (1 + step)
        words = torch.randint(MANY, (6, 3), generator=generator(step))
        labels = torch.randint(MANY, (6,), generator=generator(100 + step))
        # Two workers have different numbers of rows, once one of them none.
        cut = 0 if step == 7 and kind != "local" else 2
        own = slice(None) if world == 1 else slice(0, cut) if rank == 0 else slice(cut, 6)
        optimizer.zero_grad()
        net(words[own], labels[own]).backward()
        optimizer.step()
    out: Dict[str, Any] = {}

    def evaluated() -> Tensor:
        # With gradients: an evaluation all the same.
        return plain.head(torch.ones(MANY, 4, dtype=dtype), words)

    features, words = torch.ones(1, 4, dtype=dtype), torch.arange(MANY)
    reads: Dict[str, Any] = {"words": lambda: plain.words(words), "top": lambda: plain.head.top_k(features, 2)}
    reads["loss"] = evaluated
    plain.eval()
    for name, read in reads.items():
        try:
            read()
        except RuntimeError as error:
            out[f"refused {name}"] = str(error)
    plain.train()
    if kind == "drawn" and world > 1:
        plain.head.reduction = "sum"
        # The first worker has no rows.
        out["sum"] = plain.head(features.expand(2 * rank, 4), words[: 2 * rank]).detach()
    optimizer.catch_up()
    with torch.no_grad():
        plain.words(torch.arange(MANY))
    return {**out, **{name: value.detach() for name, value in plain.named_parameters()}}


def rows_of_words(rank: int, world: int, arguments: List[str]) -> Dict[str, Tensor]:
    """Row optimisers under DistributedDataParallel."""
    return train_words(rank, world, arguments[0], getattr(torch, arguments[1]))


TASKS = {
    "words": rows_of_words,
    "class-candidates": class_candidates,
    "second-derivatives": second_derivatives,
    "train": train_in_a_group,
    "golden": golden,
    "refusals": refusals,
    "beside": beside,
    "fully-sharded": fully_sharded,
    "distributed-tensors": distributed_tensors,
}

if __name__ == "__main__":
    main()
