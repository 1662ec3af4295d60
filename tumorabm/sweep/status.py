"""How far a run of a sweep is: what its worker wrote, and what can be told when the worker wrote nothing more.

A status is written by the holder of the newest attempt only, beside and renamed. Everybody else reads, and tells from
the file and from the attempts how it is: nobody has to clean up after a worker that was killed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from tumorabm.recording.atomic import write_json
from tumorabm.recording.run_folder import STATUS
from tumorabm.run.bounds import OVERDUE, duration_text
from tumorabm.sweep.attempts import Attempt, Claim, latest
from tumorabm.sweep.plan import PlannedRun

STATES: Final = ("waiting", "running", "finished", "failed", "interrupted", "lost")
# So often may a run's worker die without a word and without a checkpoint further on: more is no accident.
LOSSES: Final = 3
_CHECKPOINT: Final = "checkpoint.h5"
_RESULTS: Final = "run.h5"
_HUNG: Final = "Timeout"  # how the interpreter begins when it was a hang


@dataclass(frozen=True)
class Status:
    """Of one run.

    Attributes
    ----------
    run_id : str
    index : int
        Number in the plan.
    state : str
        One of ``STATES``. A run is ``lost`` if its worker is gone without having said how it ended.
    attempt : int
        The newest; 0 if there was none.
    failures, losses : int
        How often it failed, and how often in a row it was lost without having come further.
    started, ended : str
        Of the newest attempt, in UTC.
    seconds : float
        Spent on it in all attempts that said how they ended.
    host : str
    process : int
        Who works, or worked, on it.
    message : str
        Why it is not finished.
    traceback : str
        Where it failed.
    summaries : dict of str to float
        Of a finished run.
    summarized : str
        Which definition of the summaries they follow.
    size : int
        Bytes of run.h5 when it was finished.
    """

    run_id: str
    index: int
    state: str = "waiting"
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    host: str = ""
    process: int = 0
    message: str = ""
    traceback: str = ""
    summaries: dict[str, float] = field(default_factory=dict)
    summarized: str = ""
    size: int = 0

    @property
    def overdue(self) -> bool:
        """Whether it failed because it took too long."""
        return self.state == "failed" and self.message.startswith(OVERDUE)

    def write(self, run: Path) -> None:
        """Write into a run folder, beside and renamed."""
        content = asdict(self)
        # JSON knows no NaN.
        content["summaries"] = {k: None if math.isnan(v) else v for k, v in self.summaries.items()}
        write_json(run / STATUS, content)


def read_status(run: Path) -> Status | None:
    """What is written in a run folder; None if nothing is, or it cannot be read."""
    try:
        content = json.loads((run / STATUS).read_text(encoding="utf-8"))
        content["summaries"] = {k: math.nan if v is None else float(v) for k, v in content["summaries"].items()}
        known = {item.name for item in fields(Status)}
        status = Status(**{key: value for key, value in content.items() if key in known})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return status if status.state in STATES else None


def told(folder: str | Path, planned: PlannedRun) -> Status:
    """How a run of a sweep is, as far as can be told from its folder.

    Parameters
    ----------
    folder : str or Path
        Of the sweep.
    planned : PlannedRun
    """
    run = Path(folder) / planned.run_id
    newest = latest(run)  # before the status: what is read after it can only be newer
    written = read_status(run) or Status(planned.run_id, planned.index)
    attempt = Attempt(run, max(newest, written.attempt))
    status = replace(written, run_id=planned.run_id, index=planned.index, attempt=attempt.number)
    if not attempt.number or (written.attempt == attempt.number and written.state not in ("running", "waiting")):
        return status
    content = attempt.content()
    status = replace(
        status,
        state="running",
        started=str(content.get("began", "")),
        ended="",
        host=str(content.get("host", "")),
        process=int(content.get("process", 0)),
        message="",
        traceback="",
    )
    return status if attempt.alive() else _left_behind(run, status, attempt)


def _left_behind(run: Path, status: Status, attempt: Attempt) -> Status:
    """How a run is whose worker is gone and has not said how it ended."""
    words, content = attempt.last_words(), attempt.content()
    if words:
        if words.startswith(_HUNG):
            limit = duration_text(float(content.get("time_limit") or 0.0))
            message = f"{OVERDUE} of {limit} without coming to the end of a step"
        else:
            message = f"its worker crashed: {words.splitlines()[0]}"
        return replace(status, state="failed", failures=status.failures + 1, message=message, traceback=words)
    losses = 1 if checkpoint_time(run) != content.get("checkpoint", 0) else status.losses + 1
    message = "its worker is gone: killed, out of memory, or its machine is down"
    if losses < LOSSES:
        return replace(status, state="lost", losses=losses, message=message)
    message = f"{message}; {losses} times without coming further"
    return replace(status, state="failed", losses=0, failures=status.failures + 1, message=message)


def claim(
    folder: str | Path, planned: PlannedRun, wanted: Callable[[Status], bool], **details: object
) -> tuple[Claim | None, Status]:
    """Take a run, if nobody has it and it is wanted as it is.

    Returns
    -------
    Claim or None
        None if it is not to be had.
    Status
        How the run is, without the claim.

    Raises
    ------
    OSError
        If the claim cannot be written.
    """
    run = Path(folder) / planned.run_id
    while True:
        status = told(folder, planned)
        if status.state == "running" or not wanted(status):
            return None, status
        try:
            return Claim(run, status.attempt + 1, checkpoint=checkpoint_time(run), **details), status
        except FileExistsError:
            continue  # somebody was faster


def damage(run: Path, status: Status) -> str:
    """What is wrong with the results of a run that is said to be finished; empty if they can be read."""
    from tumorabm.recording.layout import RUN, read_records

    path = run / _RESULTS
    try:
        size = path.stat().st_size
        if status.size and size != status.size:
            return f"{path} has {size} bytes, it had {status.size} when it was written"
        read_records(path, RUN)
    except FileNotFoundError:
        return f"{path} is missing"
    except Exception as error:  # what is damaged fails in any way
        return f"{path}: cannot be read ({type(error).__name__}: {error})"
    return ""


def results_size(run: Path) -> int:
    """Bytes of a run's results."""
    return (run / _RESULTS).stat().st_size


def checkpoint_time(run: Path) -> int:
    """What changes whenever a run has written a checkpoint; 0 if there is none."""
    try:
        return os.stat(run / _CHECKPOINT).st_mtime_ns
    except OSError:
        return 0


def definition(summaries: Mapping[str, Any]) -> str:
    """Short name of a definition of summaries."""
    return hashlib.sha256(json.dumps(summaries, sort_keys=True).encode()).hexdigest()[:12]
