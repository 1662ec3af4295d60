"""Where the time of a step goes: by theme, and by process, in ms per step and as shares.

    python tests/benchmarks/profile_step.py [--config FILE] [--skip STEPS] [--steps STEPS] [--set path=value]...

Steps that are skipped warm the kernels and let the tissue develop. One thread, processor time. What lies outside of
compiled kernels (numpy and the interpreter) is measured over as many steps again. ``--patient`` takes the lattice of
``test_a_patient_year``. ``--large`` takes a million tumor cells in three dimensions, two threads and elapsed time, and
says how much memory it took (10 minutes for ``--large --steps 20``).
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path


def main() -> None:
    os.environ.setdefault("NUMBA_NUM_THREADS", "2" if "--large" in sys.argv else "1")
    from scenes import DAYS, EVERYTHING, FIRST_LINE, LARGE, PATIENT, THREE_D, Scene

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--skip", type=int, default=1, help="steps before the measurement")
    parser.add_argument("--steps", type=int, help="steps to measure; without it all of sunitinib_first_line")
    parser.add_argument("--patient", action="store_true", help="100 x 100 sites, all mechanisms on, under treatment")
    parser.add_argument("--everything", action="store_true", help="the same with EMT, drug in cells and mutations")
    parser.add_argument("--large", action="store_true", help="128 x 128 x 128 sites, all mechanisms on, two threads")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="as of `tumorabm run`")
    chosen = parser.parse_args()

    scale = LARGE if chosen.large else EVERYTHING if chosen.everything else PATIENT if chosen.patient else []
    config = chosen.config or (THREE_D if chosen.large else FIRST_LINE)
    clock = time.perf_counter if chosen.large else time.process_time
    begin = time.perf_counter()
    scene = Scene([*scale, *chosen.set], config, clock)
    made = time.perf_counter() - begin
    scene.advance(chosen.skip)
    steps = chosen.steps or round(DAYS * 24 / scene.dt) - chosen.skip
    spent = scene.profile(steps)
    sites, cells = scene.tissue.lattice.sites, scene.tissue.cells.n
    themes, outside = scene.by_theme(spent), scene.by_theme(scene.outside_kernels(steps))
    whole = spent.pop("step")
    busy = os.getloadavg()[0] > os.cpu_count()
    print("| theme | ms per step | share | outside of kernels |\n|---|---:|---:|---:|")
    for name, seconds in sorted(themes.items(), key=lambda item: -item[1]):
        print(f"| {name} | {1e3 * seconds:.3f} | {100 * seconds / whole:.1f} % | {1e3 * outside[name]:.3f} |")
    print(f"| whole step | {1e3 * whole:.3f} | | {1e3 * sum(outside.values()):.3f} |\n")
    print("| process | ms per step | share |\n|---|---:|---:|")
    for name, seconds in spent.items():
        print(f"| {name} | {1e3 * seconds:.3f} | {100 * seconds / whole:.1f} % |")
    print(f"| whole step | {1e3 * whole:.3f} | |")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
    print(f"\n{steps} steps in {steps * whole:.1f} s; {cells} cells on {sites} sites")
    print(f"The tissue was made in {made:.1f} s (elapsed); memory at its largest {memory:.2f} GB")
    if busy:
        print("Measured on a busy machine: more processes run than it has processors.")


if __name__ == "__main__":
    main()
