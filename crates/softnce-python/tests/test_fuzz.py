"""Random calls against the definition (``tools/fuzz.py``), and that it notices a loss that differs from it."""

from __future__ import annotations

from typing import Any, Callable, Dict

import fuzz
import fuzz_cases
import numpy as np
import pytest
from fuzz_definition import Problem


def test_random_calls(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--cases", "300"]) == 0, capsys.readouterr().out


def rolled(problem: Problem) -> Problem:
    return problem._replace(positives=np.roll(problem.positives, 1))


def without_a_candidate(problem: Problem) -> Problem:
    times = problem.multiplicities.copy()
    times[np.argmax(times)] = 0.0
    return problem._replace(multiplicities=times) if times.any() else problem


#: Other losses than the package computes, and the cases of which each is another.
WRONG: Dict[str, Any] = {
    "noise of the other sign": (
        lambda case: case.noise is not None,
        lambda problem: problem._replace(noise=1.0 / problem.noise),
    ),
    "no noise": (lambda case: case.noise is not None, lambda problem: problem._replace(noise=None)),
    "no multiplicities": (
        lambda case: case.multiplicities is not None,
        lambda problem: problem._replace(multiplicities=np.ones_like(problem.multiplicities)),
    ),
    "no row weights": (
        lambda case: case.row_weights is not None and case.reduction != "mean",
        lambda problem: problem._replace(row_weights=np.ones_like(problem.row_weights)),
    ),
    "mean over the rows": (
        lambda case: case.row_weights is not None and case.reduction == "mean",
        lambda problem: problem._replace(divisor=len(problem.logits)),
    ),
    "no class weights": (lambda case: case.weight is not None, lambda problem: problem._replace(class_weights=None)),
    "no upstream gradient": (
        lambda case: bool((case.upstream != 1.0).any()),
        lambda problem: problem._replace(upstream=np.ones_like(problem.upstream)),
    ),
    "another temperature": (
        lambda case: case.temperature != 1.0,
        lambda problem: problem._replace(temperature=problem.temperature * 1.001),
    ),
    "the next positive": (lambda case: case.logits.values.shape[0] > 1, rolled),
    "one candidate less": (lambda case: case.loss == "soft_target_info_nce", without_a_candidate),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_losses_are_noticed(
    wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    affected: Callable[[Any], bool] = WRONG[wrong][0]
    problem = fuzz_cases.problem
    monkeypatch.setattr(fuzz_cases, "problem", lambda case: WRONG[wrong][1](problem(case)))
    cases = [number for number in range(100) if affected(fuzz_cases.make(0, number))]
    assert len(cases) >= 5
    caught = [number for number in cases if fuzz.main(["--only", str(number)]) == 1]
    # Some cases are alike under both, as those with one class or one candidate.
    assert len(caught) >= 0.5 * len(cases), (len(caught), len(cases))
    assert f"again: python tools/fuzz.py --seed 0 --only {caught[0]}" in capsys.readouterr().out
