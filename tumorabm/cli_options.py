"""What the commands of the command line share: options, exit status, JSON.

Exit status: 0 done; 2 the input is wrong (readable messages on standard error); 1 the program failed; 130 interrupted.
With ``--json``, standard output holds one JSON object and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tumorabm.errors import InputError

FAILED: Final = 1
WRONG_INPUT: Final = 2
INTERRUPTED: Final = 130

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="Experiment file.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Replace a setting, for example sets.targets=davis."),
]
CatalogFolders = Annotated[
    list[Path] | None, typer.Option("--catalog", metavar="DIR", help="Folder with catalog files of your own.")
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Threads of the kernels; the data do not depend on it.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of runs: DIR/<name>/<run id>.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")]
Force = Annotated[bool, typer.Option("--force", help="Run again, over what is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@contextmanager
def exit_status(as_json: bool = False) -> Iterator[None]:
    """Turn what a command raises into messages and an exit status."""
    try:
        yield
    except InputError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        if as_json:
            print_json({"valid": False, "problems": [problem.as_dict() for problem in error.problems]})
        raise typer.Exit(WRONG_INPUT) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


def print_json(content: dict[str, Any]) -> None:
    """One JSON object on standard output."""
    print(json.dumps(content, ensure_ascii=False))
