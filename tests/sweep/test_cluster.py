"""A sweep carried out by dask and by a real Slurm: the same data, bit by bit, as from the local pool."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from same_data import same
from short_run import SHORT, data, started

from tumorabm import yaml
from tumorabm.errors import InputError
from tumorabm.recording.run_folder import RunFolder
from tumorabm.sweep.array import emit_array, run_task, runs_at_once, share
from tumorabm.sweep.executors.dask import dask_workers
from tumorabm.sweep.executors.job import Job, clock
from tumorabm.sweep.executors.slurm import slurm_workers
from tumorabm.sweep.loop import run_sweep
from tumorabm.sweep.plan import Plan
from tumorabm.sweep.planning import prepare
from tumorabm.sweep.results import status_of
from tumorabm.sweep.status import Status, told
from tumorabm.sweep.sweep_file import load_sweep

SLURM = Path(__file__).parent / "slurm"
START = SLURM / "start_slurm.sh"
REQUIRED = "TUMORABM_REQUIRE_SLURM"  # in CI: a missing Slurm is a failure

LONG = 2  # index of a run that takes a second or two; runs 0 and 1 take less than one


def make_sweep(out: Path, **resources: object) -> Path:
    """Folder of a sweep of three runs, the last of them longer than the others."""
    sweep = {
        "base": {**yaml.parse(SHORT, "short").data, "mechanisms": {"all": False}},
        "set": {
            "lattice": {"shape": [32, 32], "spacing": "20 um", "boundary": "no_flux"},
            "cells": [{"shape": "disc", "radius": "120 um"}],
            "record": {"every": "1 d", "frames": "4 d", "checkpoint": "2 d"},
        },
        "name": "cluster",
        "factors": {"length": {"path": "duration", "values": ["1 d", "2 d", "24 d"]}},
        "collect": {"summaries": {"cells": {"output": "tumor_cells", "statistic": "final"}}},
        "resources": {"workers": 2, **resources},
    }
    return prepare(load_sweep(sweep), out)


def statuses(folder: Path) -> list[Status]:
    return [told(folder, planned) for planned in Plan.read(folder).runs]


def same_results(folder: Path, reference: Path) -> None:
    """Every run is finished, with the data and summaries of the reference."""
    runs = Plan.read(folder).runs
    assert [run.run_id for run in runs] == [run.run_id for run in Plan.read(reference).runs]
    for mine, other, run in zip(statuses(folder), statuses(reference), runs, strict=True):
        assert (mine.state, other.state) == ("finished", "finished"), mine.message
        assert mine.summaries == other.summaries
        same(data(folder / run.run_id), data(reference / run.run_id))


def until(what: Callable[[], object], seconds: float = 150.0) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def under_way(folder: Path, index: int) -> bool:
    """Whether a run is being worked on and has written a checkpoint, so that it can be resumed."""
    return statuses(folder)[index].state == "running" and any(
        (folder / Plan.read(folder).runs[index].run_id).glob("checkpoint*.h5")
    )


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The sweep by the local pool. Processes of xdist do it together, as any processes may."""
    base = tmp_path_factory.getbasetemp()
    folder = make_sweep((base if worker_id == "master" else base.parent) / "by_local_pool")
    counts = run_sweep(folder, workers=1, progress=False)
    assert counts.finished == 3
    return folder


@pytest.fixture(scope="session")
def slurm() -> Iterator[Path]:
    """A Slurm that the project's own script has started: the path of its configuration."""
    folder = Path("/run/tumorabm-slurm")
    required = bool(os.environ.get(REQUIRED))
    if required:
        begun = subprocess.run([START], capture_output=True, text=True, timeout=300)
        assert begun.returncode == 0, begun.stderr
    conf = folder / "slurm.conf"
    environment = {**os.environ, "SLURM_CONF": str(conf)}
    there = shutil.which("sinfo") is not None and conf.is_file()
    if not there or subprocess.run(["sinfo"], env=environment, capture_output=True, timeout=30).returncode:
        assert not required, "Slurm does not answer"
        pytest.skip(f"no Slurm for tests runs here; as root: {START} (installs it from Debian's packages)")
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(conf)
    yield conf
    if before is None:
        del os.environ["SLURM_CONF"]
    else:
        os.environ["SLURM_CONF"] = before


def slurm_said(*arguments: object) -> str:
    """What one of Slurm's commands prints."""
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def exit_codes(conf: Path, job: str) -> dict[int, str]:
    """Exit status of each task of an array, from Slurm's file of completed jobs: there is no accounting."""
    codes = {}
    for line in (conf.parent / "completed.txt").read_text().splitlines():
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if words.get("ArrayJobId") == job:
            codes[int(words["ArrayTaskId"])] = words["ExitCode"]
    return codes


def test_a_local_cluster_of_dask_gives_the_same_data_though_a_worker_is_killed(reference: Path, tmp_path: Path) -> None:
    folder = make_sweep(tmp_path)

    def kill() -> None:
        until(lambda: under_way(folder, LONG))
        os.kill(statuses(folder)[LONG].process, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    counts = run_sweep(folder, "dask", 2, progress=False)
    killer.join()
    assert (counts.total, counts.finished) == (3, 3)
    assert [status.attempt for status in statuses(folder)] == [1, 1, 2]
    same_results(folder, reference)


def test_an_array_job_gives_the_same_data_though_a_task_is_told_to_stop(
    reference: Path, tmp_path: Path, slurm: Path
) -> None:
    folder = make_sweep(tmp_path / "with blank", tasks=2, memory="1 GB", walltime="20 min", partition="main")
    script = emit_array(folder)
    first = slurm_said("sbatch", "--parsable", script)
    until(lambda: under_way(folder, LONG))
    slurm_said("scancel", "--batch", "--signal=TERM", f"{first}_0")  # as at the end of the time: --signal=B:TERM
    until(lambda: len(exit_codes(slurm, first)) == 2)
    assert exit_codes(slurm, first) == {0: "130:0", 1: "0:0"}
    assert [status.state for status in statuses(folder)] == ["finished", "finished", "interrupted"]
    counts = status_of(folder)
    assert (counts["runs"], counts["finished"], counts["interrupted"]) == (3, 2, 1)
    reached = RunFolder.told(folder / statuses(folder)[LONG].run_id)
    assert reached["status"] == "interrupted" and reached["step"] > 0

    slurm_said("sbatch", "--wait", script)  # the same again does only what is left
    assert [status.attempt for status in statuses(folder)] == [1, 1, 2]
    same_results(folder, reference)
    assert len(list((folder / "slurm").glob(f"{first}_*.txt"))) == 2


def test_jobs_of_dask_jobqueue_give_the_same_data_though_the_parent_is_told_to_stop(
    reference: Path, tmp_path: Path, slurm: Path
) -> None:
    mark = f"tests-{os.getpid()}"
    folder = make_sweep(tmp_path, memory="1 GB", walltime="20 min", interface="lo", directives=[f"--comment={mark}"])
    going = started("sweep", folder, "--executor", "slurm", "--workers", 2)
    until(lambda: under_way(folder, LONG))
    assert mark in slurm_said("squeue", "--noheader", "--format=%k", "--states=PENDING,RUNNING")
    going.send_signal(signal.SIGTERM)
    _, err = going.communicate(timeout=120)
    assert going.returncode == 130, err
    assert mark not in slurm_said("squeue", "--noheader", "--format=%k", "--states=PENDING,RUNNING")
    assert statuses(folder)[LONG].state == "interrupted"
    assert run_sweep(folder, "slurm", 1, progress=False).finished == 3
    assert mark not in slurm_said("squeue", "--noheader", "--format=%k", "--states=PENDING,RUNNING")
    same_results(folder, reference)


def test_jobs_that_end_before_they_begin_say_why(tmp_path: Path, slurm: Path) -> None:
    folder = make_sweep(tmp_path, interface="lo", prologue=["echo 'no module named python'", "exit 3"])
    with pytest.raises(InputError, match="ended before they began to work.*\n.*no module named python"):
        run_sweep(folder, "slurm", 1, progress=False)
    assert [status.state for status in statuses(folder)] == ["waiting"] * 3


def test_options_that_slurm_refuses_are_told(tmp_path: Path, slurm: Path) -> None:
    folder = make_sweep(tmp_path, interface="lo", partition="nowhere")
    with pytest.raises(InputError, match="invalid partition"):
        run_sweep(folder, "slurm", 1, progress=False)


def test_the_script_of_an_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/some where:/else")
    folder = make_sweep(
        tmp_path, threads=2, cores=4, tasks=3, memory="1.5 GiB", walltime="36 h", directives=["--qos=long"]
    )
    text = emit_array(folder, at_once=2).read_text()
    lines = text.splitlines()
    assert lines[0] == "#!/bin/bash"
    for option in (
        "--array=0-2%2",
        "--cpus-per-task=4",
        "--mem=3072M",  # two runs of two threads at once
        "--time=1-12:00:00",
        "--qos=long",
        f"--output={folder}/slurm/%A_%a.txt",
        "--signal=B:TERM@120",
    ):
        assert f"#SBATCH {option}" in lines
    assert "export PYTHONPATH='/some where:/else'" in lines
    assert lines[-1] == (f'exec {sys.executable} -m tumorabm.cli sweep {folder} --task "$SLURM_ARRAY_TASK_ID" --of 3')
    assert (folder / "slurm").is_dir()


def test_shares_are_disjoint_and_complete() -> None:
    for runs, of in ((10, 3), (3, 7), (1, 1)):
        assert sorted(index for task in range(of) for index in share(runs, task, of)) == list(range(runs))
    with pytest.raises(InputError, match="from 0 to 2"):
        share(10, 3, 3)


def test_a_task_has_as_many_runs_at_once_as_fit_into_its_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs_at_once({"threads": 2, "cores": 5}) == 2
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "6")
    assert runs_at_once({"threads": 2, "cores": 2}) == 3
    with pytest.raises(InputError, match="6 cores cannot hold a run of 8 threads"):
        run_task(make_sweep(tmp_path, threads=8), 0, 1)


def test_a_job_is_told_to_stop_in_time() -> None:
    assert Job(walltime=8 * 3600.0).warning == 120
    assert Job(walltime=60.0).warning == 15
    assert [clock(seconds) for seconds in (1, 3600, 90061)] == ["00:01:00", "01:00:00", "1-01:02:00"]


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tumorabm.sweep.executors.dask._ANSWER", "300ms")
    plan = Plan("none", {}, [], [], {}, {"scheduler": "tcp://127.0.0.1:9"}, [])
    with pytest.raises(InputError, match="no scheduler answers at tcp://127.0.0.1:9"), dask_workers(plan, 1, {}):
        pass


def test_without_slurm_its_absence_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    plan = Plan("none", {}, [], [], {}, {"interface": "lo"}, [])
    with pytest.raises(InputError, match="sbatch"), slurm_workers(plan, 1, {"folder": str(tmp_path)}):
        pass
