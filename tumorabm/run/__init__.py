"""Runs: start, resume, branch and consolidate.

A run alternates between steps and records; at every checkpoint interval it writes a segment, then a checkpoint. Its
folder is usable after a crash at any instant, see ``tumorabm.recording``.
"""

from tumorabm.run.bounds import Bounds
from tumorabm.run.branching import branch
from tumorabm.run.course import RunFailed, RunInterrupted, RunOverdue, RunStopped, RunTaken
from tumorabm.run.lifetime import consolidate, resume, run_experiment

__all__ = [
    "Bounds",
    "RunFailed",
    "RunInterrupted",
    "RunOverdue",
    "RunStopped",
    "RunTaken",
    "branch",
    "consolidate",
    "resume",
    "run_experiment",
]
