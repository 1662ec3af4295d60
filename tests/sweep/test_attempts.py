"""Who has a run, and what can be told of it: claims that one process wins, owners that are gone, states."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tumorabm.sweep import attempts
from tumorabm.sweep.attempts import Attempt, Claim, latest
from tumorabm.sweep.plan import PlannedRun
from tumorabm.sweep.status import LOSSES, Status, claim, read_status, told

PLANNED = PlannedRun(index=3, run_id="abc", point=1, replicate=0, seed=1, settings={}, factors={})

RACE = """
import sys, time
from pathlib import Path
from tumorabm.sweep.attempts import Claim
run, start, won = Path(sys.argv[1]), float(sys.argv[2]), 0
time.sleep(max(0.0, start - time.time()))
for number in range(1, 201):
    try:
        Claim(run, number)
        won += 1
    except FileExistsError:
        pass
print(won)
"""

HOLD = """
import sys, time
from pathlib import Path
from tumorabm.sweep.attempts import Claim
with Claim(Path(sys.argv[1]), 1, time_limit=90.0):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / PLANNED.run_id
    path.mkdir()
    return path


@pytest.fixture
def holder(run: Path):
    """Another process that has the run's first attempt."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(run)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def wanted(status: Status) -> bool:
    return True


def rewrite(attempt: Attempt, **changes: object) -> None:
    """Change what an attempt says, its heart beating now."""
    attempt.path.write_text(json.dumps({**attempt.content(), **changes}), encoding="utf-8")


def test_of_three_processes_one_gets_each_attempt(run: Path) -> None:
    start = str(time.time() + 2.0)
    racers = [
        subprocess.Popen([sys.executable, "-c", RACE, str(run), start], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    won = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(won) == 200 == latest(run)
    assert all(Attempt(run, number).content()["token"] for number in range(1, 201))


def test_a_run_that_somebody_has_is_not_to_be_had(run: Path, holder) -> None:
    held, status = claim(run.parent, PLANNED, wanted)
    assert held is None and (status.state, status.attempt) == ("running", 1)
    assert status.process == holder.pid and status.host and status.started


def test_a_run_whose_worker_was_killed_is_lost_and_to_be_had(run: Path, holder) -> None:
    holder.send_signal(signal.SIGKILL)
    time.sleep(0.2)  # not waited for: it stays in the table of processes, as workers of a killed parent may
    status = told(run.parent, PLANNED)
    assert (status.state, status.losses, status.failures) == ("lost", 1, 0)
    assert "its worker is gone" in status.message
    held, before = claim(run.parent, PLANNED, wanted)
    assert held.number == 2 and before == status
    assert told(run.parent, PLANNED).state == "running"


def test_a_number_of_a_process_that_is_used_again_is_not_its_owner(run: Path) -> None:
    mine = Claim(run, 1)
    assert mine.alive()
    rewrite(mine, born="1")
    assert not mine.alive()


def test_owners_on_other_machines_live_as_long_as_their_hearts_beat(run: Path) -> None:
    other = Claim(run, 1)
    rewrite(other, machine="another", process=1)
    assert other.alive()
    silent = time.time() - attempts.SILENCE - 1.0
    os.utime(other.path, (silent, silent))
    assert not other.alive() and told(run.parent, PLANNED).state == "lost"


def test_hearts_beat_while_a_claim_is_held(run: Path, monkeypatch) -> None:
    monkeypatch.setattr(attempts, "HEARTBEAT", 0.02)
    with Claim(run, 1) as mine:
        os.utime(mine.path, (1.0, 1.0))
        deadline = time.monotonic() + 5.0
        while mine.path.stat().st_mtime < 2.0:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    os.utime(mine.path, (1.0, 1.0))
    time.sleep(0.1)
    assert mine.path.stat().st_mtime == 1.0


def test_a_holder_sees_that_it_was_overtaken(run: Path) -> None:
    first = Claim(run, 1)
    assert not first.taken()
    Claim(run, 2)
    assert first.taken()


def test_a_claim_that_was_let_go_or_never_written_is_free(run: Path) -> None:
    with Claim(run, 1) as mine:
        mine.let_go()
    assert not mine.alive() and told(run.parent, PLANNED).state == "lost"
    blank = Attempt(run, 2)
    blank.path.touch()
    assert blank.alive()  # its maker may be about to write
    past = time.time() - 60.0
    os.utime(blank.path, (past, past))
    assert not blank.alive()


def test_a_claim_that_cannot_be_written_leaves_nothing(run: Path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(attempts.json, "dumps", full)
        Claim(run, 1)
    assert latest(run) == 0


def test_what_is_told_follows_the_newest_attempt(run: Path) -> None:
    assert told(run.parent, PLANNED) == Status("abc", 3)
    Claim(run, 1)
    assert told(run.parent, PLANNED).state == "running"
    done = Status("abc", 3, "finished", attempt=1, seconds=2.0, summaries={"y": 1.5, "never": math.nan}, size=10)
    done.write(run)
    again = told(run.parent, PLANNED)
    assert math.isnan(again.summaries.pop("never")) and done.summaries.pop("never")
    assert again == done
    assert "NaN" not in (run / "status.json").read_text(encoding="utf-8")
    Claim(run, 2)
    assert told(run.parent, PLANNED).state == "running"
    assert told(run.parent, PLANNED).attempt == 2
    # Points of a design may share a run: each is told under its own number.
    twin = PlannedRun(index=7, run_id="abc", point=2, replicate=0, seed=1, settings={}, factors={})
    assert told(run.parent, twin).index == 7


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "finished"}', '{"summaries": {}, "state": "done"}'])
def test_a_status_that_cannot_be_read_is_none(run: Path, text: str) -> None:
    (run / "status.json").write_text(text, encoding="utf-8")
    assert read_status(run) is None
    assert told(run.parent, PLANNED).state == "waiting"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("Timeout (0:00:02)!\nThread 0x1:\n  File ...", "over its time limit of 1.5 min without coming to"),
        ("Fatal Python error: Segmentation fault\n\nCurrent", "its worker crashed: Fatal Python error: Segmentation"),
    ],
)
def test_last_words_of_a_worker_are_a_failure(run: Path, holder, words: str, message: str) -> None:
    Attempt(run, 1).last_words_path.write_text(words, encoding="utf-8")
    status = told(run.parent, PLANNED)
    assert (status.state, status.failures, status.traceback) == ("failed", 1, words)
    assert status.message.startswith(message)
    assert status.overdue is words.startswith("Timeout")


def test_a_run_that_kills_its_workers_is_given_up(run: Path) -> None:
    """As often as it gets no further; a checkpoint in between makes it count from the beginning."""

    def lose(number: int) -> Status:
        held, before = claim(run.parent, PLANNED, wanted)
        assert held.number == number
        Status("abc", 3, "running", attempt=number, losses=before.losses, failures=before.failures).write(run)
        rewrite(held, born="gone")
        return told(run.parent, PLANNED)

    assert LOSSES == 3
    assert [(s.state, s.losses, s.failures) for s in (lose(1), lose(2))] == [("lost", 1, 0), ("lost", 2, 0)]
    held, _ = claim(run.parent, PLANNED, wanted)
    (run / "checkpoint.h5").touch()
    rewrite(held, born="gone")
    assert (told(run.parent, PLANNED).state, told(run.parent, PLANNED).losses) == ("lost", 1)
    assert [lose(4).losses, lose(5).state] == [2, "failed"]
    status = told(run.parent, PLANNED)
    assert status.failures == 1 and "3 times without coming further" in status.message
