"""What is wrong with the user's input, said in one go and at its place in a file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Parameters
    ----------
    message : str
        What is wrong, what was expected, and the nearest valid name where there is one.
    path : str
        Where in the document, for example ``treatment[0].dose``.
    file : str
        File as the user named it, or the command line option.
    line, column : int or None
        Counted from one.
    """

    message: str
    path: str = ""
    file: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part not in ("", None))
        return ": ".join(part for part in (place, self.path, self.message) if part)

    def as_dict(self) -> dict[str, str | int | None]:
        """The parts, for JSON."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "message": self.message,
        }


class InputError(Exception):
    """The user's input cannot be used. A command that meets it prints the problems and exits with status 2.

    Parameters
    ----------
    problems : str or iterable of Problem
        Everything that is wrong, in the order of the file.

    Attributes
    ----------
    problems : tuple of Problem
    """

    def __init__(self, problems: str | Iterable[Problem]) -> None:
        self.problems = (Problem(problems),) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


def nearest(name: object, names: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest valid one, or the few there are.

    Examples
    --------
    >>> nearest("diffusivty", ["diffusivity", "half_life"])
    "; did you mean 'diffusivity'?"
    """
    known = list(names)
    lowered = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.6)
    if close:
        return f"; did you mean {lowered[close[0]]!r}?"
    return f"; expected one of {', '.join(known)}" if 0 < len(known) <= 12 else ""


def dotted(path: Iterable[str | int]) -> str:
    """A path into a document as text: ``("treatment", 0, "dose")`` is ``treatment[0].dose``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
