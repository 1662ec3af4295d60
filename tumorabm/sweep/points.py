"""The points of a sweep as experiments, every one checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from tumorabm.config import Experiment, load_experiment
from tumorabm.config.loading import path_steps
from tumorabm.errors import InputError, Problem
from tumorabm.sweep.factors import Point

if TYPE_CHECKING:
    from tumorabm.sweep.sweep_file import Sweep

_MOST_SHOWN: Final = 20


def settings_of(sweep: Sweep, point: Point) -> dict[str, Any]:
    """What a point sets, by path."""
    return {path: level.setting for factor, level in zip(sweep.factors, point, strict=True) for path in factor.paths}


def experiments_of_points(sweep: Sweep) -> Iterator[tuple[Point, Experiment]]:
    """Every point of a sweep with its experiment, one after another.

    Raises
    ------
    InputError
        After the last point, with what is wrong with any of them, each thing once and at its place in the sweep file.
    """
    count = 0
    found: dict[Problem, tuple[str, int]] = {}
    for point in sweep.design.points(sweep.factors):
        count += 1
        try:
            experiment = load_experiment(sweep.base, settings_of(sweep, point), sweep.catalog_dirs)
        except InputError as error:
            for problem in error.problems:
                placed = _placed(sweep, point, problem)
                first, times = found.get(placed, (told(sweep, point), 0))
                found[placed] = (first, times + 1)
            continue
        if not found:
            yield point, experiment
    if found:
        raise InputError(_problems(found, count))


def told(sweep: Sweep, point: Point) -> str:
    """A point in words."""
    pairs = zip(sweep.factors, point, strict=True)
    return ", ".join(f"{factor.label}={level.told(factor.unit)}" for factor, level in pairs)


def _placed(sweep: Sweep, point: Point, problem: Problem) -> Problem:
    """A problem of a point's experiment at the value in the sweep file that is behind it, or else at the design."""
    path = problem.file.removeprefix("override ")
    for factor, level in zip(sweep.factors, point, strict=True):
        if path in factor.paths and problem.file:
            said = problem.message if problem.path == path else f"{problem.path}: {problem.message}"
            return sweep.document.problem(level.place or ("factors", factor.label), said, not level.place)
    said = f"{problem.path}: {problem.message}" if problem.path else problem.message
    where = path_steps(problem.path)
    for factor, level in zip(sweep.factors, point, strict=True):
        # What is wrong with a block is the matter of a factor that sets a part of it, or more than it.
        if where and any(
            set_path[: len(where)] == where[: len(set_path)] for set_path in map(path_steps, factor.paths)
        ):
            return sweep.document.problem(level.place or ("factors", factor.label), said, not level.place)
    return sweep.document.problem(("design",), said)


def _problems(found: dict[Problem, tuple[str, int]], count: int) -> list[Problem]:
    problems = []
    for problem, (first, times) in list(found.items())[:_MOST_SHOWN]:
        where = f"at {times} of {count} points, first {first}" if count > 1 else f"at {first}"
        problems.append(Problem(f"{problem.message} ({where})", *_place(problem)))
    if len(found) > _MOST_SHOWN:
        problems.append(Problem(f"and {len(found) - _MOST_SHOWN} more", file=problems[0].file))
    return problems


def _place(problem: Problem) -> tuple[str, str, int | None, int | None]:
    return problem.path, problem.file, problem.line, problem.column
