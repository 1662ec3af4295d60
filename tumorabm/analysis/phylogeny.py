"""Who descends from whom: frequencies of clones over time, their tree, and how large they are.

Frequencies count a clone's own living cells, without those of the clones that it gave rise to. Muller data are as the R
package ggmuller takes them (Noble 2019): an adjacency table and a population table.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from tumorabm.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from tumorabm.analysis.run import Run

# What several clones that the tumor began with descend from.
ROOT: Final = "root"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.\-]+")


def phylogeny(run: Run) -> Phylogeny:
    """The clones of a run and their history.

    Parameters
    ----------
    run : Run
    """
    return Phylogeny(run)


class Phylogeny:
    """The clones of a run and their history. Times are in days since the start, burn-in included.

    Parameters
    ----------
    run : Run

    Attributes
    ----------
    clones : DataFrame
        The run's clone table, parents before their children.
    """

    def __init__(self, run: Run) -> None:
        self.clones = run.clones
        self._census = run.census
        self._times = run.timeseries["time"].values
        self._step = run.time_step

    @cached_property
    def cells(self) -> xr.DataArray:
        """Living cells of each clone at each record, dimensions (time, clone); clones by name."""
        import xarray as xr

        keys, times = self.clones["key"].to_numpy(), self._times
        order = np.argsort(keys)
        place = order[np.searchsorted(keys, self._census["key"].to_numpy(), sorter=order)]
        row = np.searchsorted(times, self._census["time"].to_numpy() - 0.5 * self._step)
        counts = np.zeros((times.size, keys.size), dtype=np.int64)
        counts[row, place] = self._census["cells"].to_numpy()
        coordinates = {
            "time": ("time", times, {"units": "d"}),
            "clone": self.clones["name"].to_numpy(dtype=str),
            "alterations": ("clone", np.array([" ".join(of) for of in self.clones["alterations"]], dtype=str)),
        }
        described = {"units": "1", "long_name": "living cells"}
        return xr.DataArray(counts, coordinates, ("time", "clone"), "cells", described)

    @cached_property
    def frequencies(self) -> xr.DataArray:
        """Share of living tumor cells that belong to each clone at each record, dimensions (time, clone)."""
        total = self.cells.sum("clone")
        shares = self.cells / total.where(total > 0)
        return shares.rename("frequency").assign_attrs(units="1", long_name="share of living tumor cells")

    @cached_property
    def parents(self) -> np.ndarray:
        """Row of each clone's parent, -1 without one."""
        rows = {name: row for row, name in enumerate(self.clones["name"])}
        return np.array([rows.get(name, -1) for name in self.clones["parent"]], dtype=np.int64)

    def children(self, row: int) -> list[int]:
        """Rows of the clones that a clone gave rise to, in the order of their births; of -1 those without a parent."""
        return [int(child) for child in np.flatnonzero(self.parents == row)]

    def muller(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Adjacency (Parent, Identity) and population (Time, Identity, Population) tables, as ggmuller takes them.

        Clones that were never seen alive at a record and gave rise to none that was are left out. Where the tumor began
        with several clones they descend from a root without cells.
        """
        import pandas as pd

        seen = np.array(self.cells.values.any(axis=0))
        for row in range(seen.size - 1, -1, -1):
            if seen[row] and self.parents[row] >= 0:
                seen[self.parents[row]] = True
        names = self.clones["name"].to_numpy(dtype=str)
        rows = np.flatnonzero(seen)
        several = np.count_nonzero(self.parents[rows] < 0) > 1
        parents = [names[self.parents[row]] if self.parents[row] >= 0 else ROOT for row in rows]
        edges = pd.DataFrame({"Parent": parents, "Identity": names[rows]})
        if not several:
            edges = edges[edges["Parent"] != ROOT].reset_index(drop=True)
        shown = [ROOT, *names[rows]] if several else list(names[rows])
        counts = self.cells.values[:, rows]
        counts = np.concatenate([np.zeros((self._times.size, int(several)), dtype=np.int64), counts], axis=1)
        population = pd.DataFrame(
            {
                "Time": np.repeat(self._times, len(shown)),
                "Identity": np.tile(np.array(shown, dtype=str), self._times.size),
                "Population": counts.reshape(-1),
            }
        )
        return edges, population

    def newick(self, extinct: bool = True) -> str:
        """The tree of clones in Newick's format, branch lengths in days.

        A clone is a lineage from its birth to the last record at which it was alive (at least to the birth of its last
        child), and a leaf there. Clones that the tumor began with meet at its beginning.

        Parameters
        ----------
        extinct : bool
            Whether clones that are gone at the end are leaves too.
        """
        births, alive = self.clones["birth"].to_numpy(), self.cells.values > 0
        last = np.where(alive.any(axis=0), self._times[alive.shape[0] - 1 - alive[::-1].argmax(axis=0)], births)
        children: dict[int, list[int]] = {}
        # What hangs on a lineage and when it does: its first child with all that follows, or its own end.
        nodes: dict[int, tuple[str, float]] = {}
        for row in range(births.size - 1, -1, -1):  # children come behind their parents
            born = sorted(children.get(row, []), key=lambda child: (births[child], child))
            if extinct or alive[-1, row]:
                node = _quoted(str(self.clones["name"][row])), max([float(last[row]), *births[born].tolist()])
            elif born:
                node = nodes[born.pop()]
            else:
                continue
            for child in reversed(born):
                split = float(births[child])
                node = f"({_stem(nodes[child], split)},{_stem(node, split)})", split
            nodes[row] = node
            children.setdefault(int(self.parents[row]), []).append(row)
        founders = [_stem(nodes[row], float(births[row])) for row in sorted(children.get(-1, []))]
        return f"({','.join(founders)});" if len(founders) != 1 else f"{founders[0]};"

    def sizes(self, day: float = np.inf) -> pd.Series:
        """Number of living clones of each size (cells) at the record nearest to a day; the last by default."""
        import pandas as pd

        cells = self.cells.values[self._nearest(day)]
        size, count = np.unique(cells[cells > 0], return_counts=True)
        return pd.Series(count, pd.Index(size, name="cells"), name="clones")

    def alteration_frequencies(self) -> xr.DataArray:
        """Share of living tumor cells that carry each alteration at each record, dimensions (time, alteration)."""
        import xarray as xr

        listed = self.clones["alterations"]
        names = sorted({name for alterations in listed for name in alterations})
        carried = np.array([[name in alterations for name in names] for alterations in listed], dtype=float)
        values = self.frequencies.values @ carried.reshape(len(listed), len(names))
        coordinates = {"time": ("time", self._times, {"units": "d"}), "alteration": names}
        return xr.DataArray(values, coordinates, ("time", "alteration"), "frequency", {"units": "1"})

    def _nearest(self, day: float) -> int:
        if self._times.size == 0:
            raise InputError("the run recorded nothing")
        return int(np.argmin(np.abs(self._times - min(day, float(self._times[-1])))))


def _quoted(name: str) -> str:
    """A name as Newick's format takes it."""
    return name if _PLAIN.fullmatch(name) else "'" + name.replace("'", "''") + "'"


def _stem(node: tuple[str, float], begin: float) -> str:
    """A node with the length of the branch that leads to it from a time."""
    return f"{node[0]}:{max(node[1] - begin, 0.0):.10g}"
