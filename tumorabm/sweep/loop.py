"""The loop over the runs of a sweep: a bounded number under way, until every one is finished or left.

It holds nothing that is not in the runs' folders, so it can be ended at any moment and begun again, and several may go
at once: what a run is, its folder tells.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from pathlib import Path
from typing import Any, Final

from tumorabm.errors import InputError
from tumorabm.recording.interrupt import Interrupt
from tumorabm.recording.provenance import source_hash
from tumorabm.sweep.counts import Counts
from tumorabm.sweep.executors import default_workers, workers_of
from tumorabm.sweep.modules import load_modules
from tumorabm.sweep.plan import Plan
from tumorabm.sweep.progress import SweepProgress
from tumorabm.sweep.status import Status, damage, definition, told
from tumorabm.sweep.worker import execute, failures_allowed, get_ready, plan_of, warm_up

_TICK: Final = 0.2  # seconds between looks at signals and at runs of others
_LOOK_ELSEWHERE: Final = 1.0  # seconds between looks at a run that another process has
_BARREN: Final = 3  # so many times in a row workers may break down before any of them has begun a run


def run_sweep(
    folder: str | Path,
    executor: str = "local",
    workers: int | None = None,
    *,
    retry_failed: bool = False,
    progress: bool = True,
    indices: Iterable[int] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Counts:
    """Carry out a sweep, or what is left of it.

    Parameters
    ----------
    folder : str or Path
        The sweep's folder, prepared.
    executor : str
        One of ``EXECUTORS``.
    workers : int, optional
        How many runs at once; by default the sweep's, else as many as fit into the cores there are.
    retry_failed : bool
        Try again what was left as failed, as often as the sweep retries.
    progress : bool
        Show how far it is.
    indices : iterable of int, optional
        Only these runs of the plan.
    options : mapping, optional
        For the executor, in place of the sweep's resources.

    Returns
    -------
    Counts

    Raises
    ------
    InputError
        If there is no plan, the code has changed since it was made, or the executor cannot be had.
    KeyboardInterrupt
        At the second signal. At the first one runs write checkpoints, and the counts say so.
    """
    folder = Path(folder).resolve()
    plan = plan_of(folder)
    if plan.source_hash not in ("", source_hash()):
        raise InputError(f"{folder}: the code has changed since this sweep was planned; plan it again from its file")
    load_modules(plan.resources.get("modules", ()))
    options = {**plan.resources, **(options or {}), "folder": str(folder)}
    make_workers = workers_of(executor)
    count = workers or default_workers(options)
    chosen = range(len(plan.runs)) if indices is None else indices
    loop = _Loop(folder, plan, chosen, count, retry_failed)
    with Interrupt() as interrupt, SweepProgress(plan.name, loop.counts.total, not progress) as shown:
        loop.begin(shown)
        options["stopping"] = lambda: interrupt.requested
        while loop.busy and not interrupt.requested:
            with make_workers(plan, count, options) as pool:
                loop.feed(pool, interrupt)
    if interrupt.requested and loop.busy:
        loop.counts.by_signal, loop.counts.stopped = True, "interrupted, the same command goes on"
    return loop.counted()


class _Loop:
    """What is to be done, under way and done, by the first index of each run; points may share a run."""

    def __init__(self, folder: Path, plan: Plan, indices: Iterable[int], workers: int, retry_failed: bool) -> None:
        self._folder = folder
        self._plan = plan
        self._workers = workers
        self._retry_failed = retry_failed
        first: dict[str, int] = {}
        chosen = list(indices)
        self._times = Counter(first.setdefault(plan.runs[index].run_id, index) for index in chosen)
        self._todo = deque(self._times)
        self._running: dict[Future[dict[str, Any]], int] = {}
        self._elsewhere: set[int] = set()
        self._attempts: dict[int, int] = {}  # of runs under way: the newest attempt when they were given to a worker
        self._allowed: dict[int, int] = {}
        self._base_allowed = failures_allowed(plan)
        self._look_due = 0.0
        self._barren = 0
        self._refused = 0
        self._warm = False
        self.counts = Counts(total=len(chosen), waiting=len(chosen))

    @property
    def busy(self) -> bool:
        """Whether something is left to do or to wait for."""
        return not self.counts.stopped and bool(self._todo or self._running or self._elsewhere)

    def begin(self, shown: SweepProgress) -> None:
        """See what is done already."""
        self._shown = shown
        waiting, self._todo = self._todo, deque()
        summaries = definition(self._plan.summaries)
        for index in waiting:
            status = self._told(index)
            if status.state == "finished":
                wrong = damage(self._folder / status.run_id, status)
                if not wrong and status.summarized == summaries:
                    self.counts.already += self._times[index]
                    self._settle(index, "finished")
                else:
                    self._todo.append(index)
                    if wrong:
                        shown.say(f"Run {status.run_id} was finished but is damaged, it is run again: {wrong}")
                continue
            if status.state == "failed" and self._retry_failed:
                self._allowed[index] = status.failures + self._base_allowed
            self._sort(index, status)
        self._already_over = self.counts.total - self.counts.waiting

    def feed(self, pool: Executor, interrupt: Interrupt) -> None:
        """Give runs to workers until all are done, or the workers break down, or a signal comes."""
        broken = False
        if not self._warm and self._todo:
            warming = pool.submit(warm_up, str(self._folder), self._todo[0])
            for _ in range(min(self._workers, len(self._todo)) - 1):
                pool.submit(get_ready, str(self._folder))
            while not interrupt.requested and not wait([warming], timeout=_TICK).done:
                self._show()
            # Whatever goes wrong goes wrong in the run too, which says so. A worker that it ended is started again.
            self._warm = True
            broken = warming.done() and isinstance(warming.exception(), BrokenExecutor)
        while self.busy and not interrupt.requested and not broken:
            broken = self._submit(pool)
            done = wait(self._running, timeout=_TICK, return_when=FIRST_COMPLETED).done if self._running else set()
            if not self._running:
                time.sleep(_TICK)
            for future in done:
                broken = self._receive(future) or broken
            self._look_elsewhere()
            self._show()
        if interrupt.requested or self.counts.stopped:
            self._call_off(pool)
        elif broken:
            self._recover(pool)

    def counted(self) -> Counts:
        """How it ended; what is unsettled as its folder says."""
        for index in (*self._todo, *self._elsewhere):
            status = self._told(index)
            self.counts.waiting -= self._times[index]
            name = "overdue" if status.overdue else status.state
            if name not in ("running", "waiting", "failed", "overdue", "finished"):
                name = "interrupted"
            setattr(self.counts, name, getattr(self.counts, name) + self._times[index])
        return self.counts

    def _submit(self, pool: Executor) -> bool:
        """Give work to workers; whether they have broken down. Each has one run in reserve."""
        while self._todo and len(self._running) < 2 * self._workers:
            index = self._todo.popleft()
            self._attempts[index] = self._told(index).attempt
            try:
                future = pool.submit(
                    execute, str(self._folder), index, self._failures_allowed(index), True, self._plan.identity
                )
            except BrokenExecutor:
                self._todo.appendleft(index)
                return True
            self._running[future] = index
        return False

    def _receive(self, future: Future[dict[str, Any]]) -> bool:
        """Take what a worker answered; whether the workers have broken down."""
        index = self._running.pop(future)
        broken = False
        try:
            outcome = future.result()
        except InputError:
            raise
        except BrokenExecutor:
            self._running[future] = index  # looked at when no worker is left that could still write
            return True
        except Exception as error:  # of the executor: a worker of dask was killed
            began = self._told(index).attempt > self._attempts.pop(index)
            self._barren = 0 if began else self._barren + 1
            if self._barren >= _BARREN:
                self.counts.stopped = f"the workers fail before they begin a run ({type(error).__name__}: {error})"
            self._sort(index, self._told(index))
            return False
        self._barren = 0
        self._attempts.pop(index)
        if outcome["disk"]:
            self.counts.stopped = f"{outcome['message']}; the same command goes on"
        if outcome["state"] == "held":
            self._elsewhere.add(index)
        else:
            self._sort(index, self._told(index))
            if not outcome["tried"] and outcome["state"] == "finished":
                self.counts.elsewhere += self._times[index]
            # Workers that refuse what is asked of them again and again would keep this going for ever.
            self._refused = 0 if outcome["tried"] or index not in self._todo else self._refused + 1
            if self._refused > _BARREN * self._workers:
                self.counts.stopped = f"the workers give runs back untried ({outcome['message'] or outcome['state']})"
        return broken

    def _sort(self, index: int, status: Status) -> None:
        """Put a run where it belongs by what is told of it."""
        if status.state == "running":
            self._elsewhere.add(index)
        elif status.state == "finished" and status.summarized == definition(self._plan.summaries):
            self._settle(index, "finished")
        elif status.state == "failed" and status.failures >= self._failures_allowed(index):
            self._settle(index, "overdue" if status.overdue else "failed")
        else:
            self._todo.append(index)

    def _settle(self, index: int, name: str) -> None:
        times = self._times[index]
        self.counts.waiting -= times
        setattr(self.counts, name, getattr(self.counts, name) + times)

    def _look_elsewhere(self) -> None:
        """See what has become of runs that other processes have."""
        if not self._elsewhere or time.monotonic() < self._look_due:
            return
        began = time.monotonic()
        waiting, self._elsewhere = self._elsewhere, set()
        for index in sorted(waiting):
            status = self._told(index)
            self._sort(index, status)
            if status.state == "finished":
                self.counts.elsewhere += self._times[index]
        # Of thousands of runs of others a look takes long: not more than a tenth of the time goes into it.
        self._look_due = time.monotonic() + max(_LOOK_ELSEWHERE, 9 * (time.monotonic() - began))

    def _call_off(self, pool: Executor) -> None:
        """Let runs under way write their checkpoints, and take them back."""
        for name in ("interrupt", "leave"):
            getattr(pool, name, lambda: None)()
        self._take_back()

    def _recover(self, pool: Executor) -> None:
        """After a breakdown: wait until no worker is left, and see what has become of their runs."""
        getattr(pool, "leave", lambda: None)()
        began = any(self._told(index).attempt > self._attempts[index] for index in self._running.values())
        self._barren = 0 if began else self._barren + 1
        if self._barren >= _BARREN:
            self.counts.stopped = "the workers end before they begin a run; what they say is above"
        self._take_back()

    def _take_back(self) -> None:
        for index in self._running.values():
            self._sort(index, self._told(index))
        self._running.clear()
        self._attempts.clear()

    def _failures_allowed(self, index: int) -> int:
        return self._allowed.get(index, self._base_allowed)

    def _told(self, index: int) -> Status:
        return told(self._folder, self._plan.runs[index])

    def _show(self) -> None:
        counts = self.counts
        over = counts.total - counts.waiting
        running = min(len(self._running), self._workers)
        self._shown.update(over, self._already_over, counts.failed + counts.overdue, running, len(self._elsewhere))
