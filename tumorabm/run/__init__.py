"""Runs: start, resume, branch and consolidate.

A run alternates between steps and records; at every checkpoint interval it writes a segment, then a checkpoint. Its
folder is usable after a crash at any instant, see ``tumorabm.recording``.
"""

from tumorabm.run.branching import branch
from tumorabm.run.course import RunFailed, RunInterrupted, RunStopped
from tumorabm.run.lifetime import consolidate, resume, run_experiment

__all__ = ["RunFailed", "RunInterrupted", "RunStopped", "branch", "consolidate", "resume", "run_experiment"]
