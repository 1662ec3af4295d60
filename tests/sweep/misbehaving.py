"""A process that does what a file tells it to do to runs of some seeds: to be slow, to fail, to hang, to die.

Imported by sweeps under ``modules``, never in the process of the tests, whose registry it would change. What it does is
not part of the experiment, so that runs have the same id and the same data when they are left alone.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import ClassVar

from tumorabm.processes import Kind, Phase, Process, register

ORDERS = "TUMORABM_TEST_ORDERS"  # names the file: {"<seed> or any": {"do": ..., "step": n, "once": path or null}}


@register
class Misbehaving(Process):
    """Obeys orders."""

    name: ClassVar[str] = "misbehaving"
    phase: ClassVar[Phase] = Phase.STATE
    kind: ClassVar[Kind] = Kind.DIAGNOSTIC
    default: ClassVar[bool] = False

    def step(self, tissue, dt):
        path = os.environ.get(ORDERS)
        if not path or dt == 0.0:
            return
        orders = json.loads(Path(path).read_text(encoding="utf-8"))
        order = orders.get(str(tissue.seed)) or orders.get("any") or {}
        time.sleep(order.get("pace", 0.0))
        if tissue.step_number != order.get("step"):
            return
        if order.get("once"):
            try:
                Path(order["once"]).touch(exist_ok=False)
            except FileExistsError:
                return
        getattr(self, order["do"])(tissue)

    def fail(self, tissue):
        raise RuntimeError("it was told to fail")

    def go_wrong(self, tissue):
        tissue.cells["coverage"][0] = float("nan")

    def hang(self, tissue):
        Path(f"{os.environ[ORDERS]}.hung.{tissue.seed}").touch()
        time.sleep(3600.0)

    def die(self, tissue):
        os.kill(os.getpid(), signal.SIGKILL)
