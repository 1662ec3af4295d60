"""What lasts one step only: rates with their contributions, and the events that COMMIT carries out."""

from __future__ import annotations

from typing import Final

import numpy as np

# Events in the parenchyma, then in the vessels, then of the stroma. The order breaks ties of time only.
EVENTS: Final = (
    "divide", "apoptosis", "necrosis", "clear", "migrate",
    "regress", "sprout", "advance", "recolonize",
    "cover", "uncover", "admit_mdsc", "admit_t_cell", "wander", "leave", "incorporate", "kill", "intravasate",
)  # fmt: skip
DIVIDE, APOPTOSIS, NECROSIS, CLEAR, MIGRATE = range(5)
REGRESS, SPROUT, ADVANCE, RECOLONIZE = range(5, 9)
COVER, UNCOVER, ADMIT_MDSC, ADMIT_T_CELL, WANDER, LEAVE, INCORPORATE, KILL, INTRAVASATE = range(9, 18)
_NOBODY: Final = np.empty(0, dtype=np.int64)


class Rates:
    """Rates of what may happen to each row, (Σ additions) × Π factors, combined in the order of the names."""

    def __init__(self) -> None:
        self._additions: dict[str, dict[str, np.ndarray]] = {}
        self._factors: dict[str, dict[str, np.ndarray]] = {}
        self._nothing = np.zeros(0)  # the rate of what nobody contributes to, shared and never written

    def clear(self) -> None:
        """Forget everything (at the start of RATES)."""
        self._additions.clear()
        self._factors.clear()

    def add(self, event: str, contributor: str, values: np.ndarray) -> None:
        """Set a contributor's addition to an event's rate, 1/h, shape (n,)."""
        self._additions.setdefault(event, {})[contributor] = values

    def multiply(self, event: str, contributor: str, values: np.ndarray) -> None:
        """Set a contributor's factor on an event's rate, shape (n,)."""
        self._factors.setdefault(event, {})[contributor] = values

    def total(self, event: str, n: int) -> np.ndarray:
        """Combined rate of an event, 1/h, shape (n,); zero where nothing contributes. To be read, not written."""
        additions, factors = self._additions.get(event, {}), self._factors.get(event, {})
        names = sorted(additions)
        if not names:
            if self._nothing.size != n:
                self._nothing = np.zeros(n)
            return self._nothing
        total = additions[names[0]]
        for name in names[1:]:
            total = total + additions[name]
        for name in sorted(factors):
            total = total * factors[name]
        flags = total.flags
        if not (total.shape == (n,) and total.dtype == np.float64 and flags.c_contiguous and flags.writeable):
            # Kernels take one type of array; a contributor may have whole numbers, single precision or one value.
            total = np.array(np.broadcast_to(total, n), dtype=np.float64)
        return total

    def contributions(self, event: str) -> dict[str, np.ndarray]:
        """What each contributor adds to or multiplies an event's rate by."""
        return {**self._additions.get(event, {}), **self._factors.get(event, {})}


class Requests:
    """Events asked for in this step, each with the time within the step at which it happens.

    Attributes
    ----------
    guides : dict of int to ndarray, shape (sites,)
        By type of cell, what attracts those that wander.
    divided : tuple of ndarray of int
        Rows of the parents and of the daughters of the divisions that COMMIT has carried out.
    """

    def __init__(self) -> None:
        self._kinds: list[int] = []
        self._rows: list[np.ndarray] = []
        self._times: list[np.ndarray] = []
        self._draws: list[np.ndarray] = []
        self.guides: dict[int, np.ndarray] = {}
        self.divided = (_NOBODY, _NOBODY)

    def clear(self) -> None:
        """Forget everything (at the start and the end of a step)."""
        for items in (self._kinds, self._rows, self._times, self._draws):
            items.clear()
        self.guides.clear()
        self.divided = (_NOBODY, _NOBODY)

    def add(self, kind: int, rows: np.ndarray, times: np.ndarray, draws: np.ndarray | int = 0) -> None:
        """Ask for events of one kind.

        Parameters
        ----------
        kind : int
            Index into EVENTS.
        rows : ndarray of int, shape (m,)
            Who acts.
        times : ndarray, shape (m,)
            Hours since the start of the step.
        draws : ndarray of int or int
            Number of the event among those of the row in this step: keys the draws made when it is carried out.
        """
        self._kinds.append(kind)
        self._rows.append(np.asarray(rows, dtype=np.int64))
        self._times.append(np.asarray(times, dtype=np.float64))
        numbers = draws if isinstance(draws, np.ndarray) else np.full(rows.shape, draws)
        self._draws.append(numbers.astype(np.int64, copy=False))

    def guide(self, cell_type: int, values: np.ndarray) -> None:
        """Say what attracts the wandering cells of a type, shape (sites,), for this step."""
        self.guides[cell_type] = values

    def ordered(
        self, kinds: tuple[int, ...], uids: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Events of some kinds as (kind, row, time, draw), in the order of time, then uid, then draw."""
        chosen = [i for i, kind in enumerate(self._kinds) if kind in kinds and self._rows[i].size > 0]
        if not chosen:
            empty = np.empty(0, dtype=np.int64)
            return empty, empty, np.empty(0), empty
        kind = np.repeat([self._kinds[i] for i in chosen], [self._rows[i].size for i in chosen])
        row = np.concatenate([self._rows[i] for i in chosen])
        time = np.concatenate([self._times[i] for i in chosen])
        number = np.concatenate([self._draws[i] for i in chosen])
        order = np.argsort(time)
        in_time = time[order]
        if (in_time[1:] == in_time[:-1]).any():
            order = np.lexsort((kind, number, uids[row], time))
        return kind[order], row[order], time[order], number[order]

    def __len__(self) -> int:
        return sum(rows.size for rows in self._rows)
