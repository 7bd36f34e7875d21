"""MixedTargets: every source, written out; and dense rows recognised."""

from __future__ import annotations

import pytest
import torch

from reference import generator, random_targets, written_out
from softnce.torch import MixedTargets
from softnce.torch import targets as module

FORMS = ["smoothed", "mixed", "shares"]


@pytest.mark.parametrize("form", FORMS)
def test_rows_written_out(form: str) -> None:
    made = random_targets(form, 7, 9)
    torch.testing.assert_close(made.dense(torch.float64), written_out(made, 9))
    torch.testing.assert_close(made.dense().sum(1), torch.ones(7))
    assert made.dense().dtype == torch.float32 and list(made.shape) == [7, 9] and len(made) == 7


def test_mixed_rows() -> None:
    made = MixedTargets.mixed([0, 2], [1, 2], torch.tensor([0.75, 0.4]), 4, 0.2)
    expected = torch.tensor([[0.65, 0.25, 0.05, 0.05], [0.05, 0.05, 0.85, 0.05]])
    torch.testing.assert_close(made.dense(), expected)
    one = MixedTargets.mixed([0, 2], [1, 2], 0.5, 4)
    torch.testing.assert_close(one.dense()[0], torch.tensor([0.5, 0.5, 0.0, 0.0]))


def test_a_teachers_top_classes() -> None:
    # The rest, 0.2, over the two other classes.
    made = MixedTargets.top_k([[3, 0]], [[0.5, 0.3]], 4)
    torch.testing.assert_close(made.dense(), torch.tensor([[0.3, 0.1, 0.1, 0.5]]))


@pytest.mark.parametrize("form", FORMS)
def test_joined_picked_and_moved(form: str) -> None:
    parts = [random_targets(form, 3, 6, seed) for seed in range(2)] + [MixedTargets.hard([1], 6)]
    joined = MixedTargets.cat(parts)
    expected = torch.cat([written_out(part, 6) for part in parts])
    torch.testing.assert_close(joined.dense(torch.float64), expected)
    torch.testing.assert_close(joined[2:5].dense(torch.float64), expected[2:5])
    torch.testing.assert_close(joined[torch.tensor([6, 0])].dense(torch.float64), expected[[6, 0]])
    torch.testing.assert_close(joined[-1].dense(torch.float64), expected[-1:])
    torch.testing.assert_close(joined[torch.tensor(1)].dense(torch.float64), expected[1:2])
    torch.testing.assert_close(joined[expected[:, 1] > 0.3].dense(torch.float64), expected[expected[:, 1] > 0.3])
    assert joined.to("meta").device.type == "meta" and joined.to().device == joined.device


def test_equal_shares_stay_one_number() -> None:
    parts = [MixedTargets.smoothed([0, 1], 3, 0.1), MixedTargets.mixed([0], [1], [0.5], 3, 0.1)]
    assert MixedTargets.cat(parts).uniform == 0.1
    assert isinstance(MixedTargets.cat([*parts, MixedTargets.hard([0], 3)]).uniform, torch.Tensor)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("find", [module._recognise_here, module._recognise_there])
def test_rows_recognised(dtype: torch.dtype, find: object) -> None:
    for smoothing in (0.0, 0.1):
        source = generator(4)
        first, second = torch.randint(20, (30,), generator=source), torch.randint(20, (30,), generator=source)
        lam = torch.rand(30, dtype=torch.float64, generator=source)
        rows = MixedTargets.mixed(first, second, lam, 20, smoothing).dense(dtype)
        found = find(rows)  # type: ignore[operator]
        assert found is not None and found.classes.shape[1] <= 2
        exact = rows.double() / rows.double().sum(1, keepdim=True)
        # Of half precision, floors that differ by its rounding alone become one.
        tolerance = {torch.float16: 1e-4, torch.bfloat16: 1e-3}.get(dtype, 1e-7)
        torch.testing.assert_close(found.dense(torch.float64), exact, rtol=0, atol=tolerance)
        assert isinstance(found.uniform, float)
    teacher = torch.softmax(torch.randn(4, 20, generator=generator(5)), 1).to(dtype)
    assert find(teacher) is None  # type: ignore[operator]


@pytest.mark.parametrize("form", FORMS)
def test_classes_are_drawn_as_often_as_they_weigh(form: str) -> None:
    made = random_targets(form, 2, 5)
    many = MixedTargets.cat([made[0]] * 20_000)
    drawn = torch.bincount(many.sample(generator(1)), minlength=5) / 20_000
    torch.testing.assert_close(drawn, made.dense()[0], rtol=0, atol=0.015)
    never = MixedTargets.top_k([[0]], [[0.0]], 4)
    assert not bool((MixedTargets.cat([never] * 200).sample(generator(2)) == 0).any())


def test_rows_are_counted_as_labels_are() -> None:
    # As transformers' Trainer counts the labels of a batch.
    made = random_targets("mixed", 7, 9)
    assert int(made.ne(-100).sum()) == 7 and made.ne(-100).dtype == torch.bool
    with pytest.raises(ValueError, match="label is 0, expected a negative number"):
        made.ne(0)
