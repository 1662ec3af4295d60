"""Where the time of a step goes: a table of processes, in ms per step and as shares.

    python tests/benchmarks/profile_step.py [--config FILE] [--skip STEPS] [--steps STEPS] [--set path=value]...

Steps that are skipped warm the kernels and let the tissue develop. One thread, processor time.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def main() -> None:
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    from scenes import DAYS, FIRST_LINE, Scene

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=FIRST_LINE)
    parser.add_argument("--skip", type=int, default=1, help="steps before the measurement")
    parser.add_argument("--steps", type=int, help="steps to measure; without it all of sunitinib_first_line")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="as of `tumorabm run`")
    chosen = parser.parse_args()

    scene = Scene(chosen.set, chosen.config)
    scene.advance(chosen.skip)
    steps = chosen.steps or round(DAYS * 24 / scene.dt) - chosen.skip
    spent = scene.profile(steps)
    whole = spent.pop("step")
    print("| process | ms per step | share |\n|---|---:|---:|")
    for name, seconds in spent.items():
        print(f"| {name} | {1e3 * seconds:.3f} | {100 * seconds / whole:.1f} % |")
    print(f"| whole step | {1e3 * whole:.3f} | |")
    print(
        f"\n{steps} steps in {steps * whole:.1f} s; {scene.tissue.cells.n} cells on {scene.tissue.lattice.sites} sites"
    )


if __name__ == "__main__":
    main()
