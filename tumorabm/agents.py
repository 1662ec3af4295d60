"""Cells as Mesa agents: views of one row each, made when somebody asks.

A view is bound to a uid, so it stays valid when rows move. Its attributes are the columns that the active processes
declare; reading and writing go to the arrays. Once the cell is dead every access raises ``CellGone``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from mesa.agent import Agent, AgentSet

from tumorabm.errors import nearest
from tumorabm.tissue.cells import ALIVE, LAYER_OF_TYPE, STATES, VESSEL

if TYPE_CHECKING:
    from tumorabm.model import TumorModel
    from tumorabm.tissue.cells import Cells

# What follows from the cell's history or decides on its class, layer and row is not the user's to write.
READ_ONLY: Final = frozenset({"uid", "cell_type", "state", "births"})


class CellGone(LookupError):
    """A view was used after its cell died or was cleared."""


class CellAgent(Agent):
    """A living cell.

    Attributes
    ----------
    unique_id : int
        The cell's uid, the same as in recorded frames.
    pos : tuple of float
        Center of its site in µm: (x, y) in 2D, (x, y, z) in 3D. Read only; set ``site`` to move a cell.
    site : int
        Flat index of its site. Setting it moves the cell to a free site of its layer.
    model : TumorModel

    Notes
    -----
    Every column of the tissue's cells is an attribute too (``model.tissue.cells.names``). Other attributes cannot be
    set: they would not be part of a checkpoint.
    """

    model: TumorModel
    unique_id: int

    def __init__(self, model: TumorModel, *args: Any, **kwargs: Any) -> None:
        raise TypeError("cells are born in the tissue; model.agents makes their views")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        cells = self.model.tissue.cells
        if name not in cells:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{nearest(name, cells.names)}")
        value = cells[name][self.row]
        return value.item() if value.ndim == 0 else value

    def __setattr__(self, name: str, value: Any) -> None:
        cells = self.model.tissue.cells
        if name in READ_ONLY or name in ("unique_id", "model", "row", "pos"):
            raise AttributeError(f"{name} of a cell is read only")
        if name not in cells:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{nearest(name, cells.names)}")
        if name == "clone" and not 0 <= value < len(self.model.tissue.clones.names):
            raise ValueError(f"clone is {value}, but there are {len(self.model.tissue.clones.names)} clones")
        if name == "site":
            _move(cells, self.row, value)
        else:
            cells[name][self.row] = value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.unique_id}>"

    @property
    def row(self) -> int:
        """Row of the cell in the arrays, now.

        Raises
        ------
        CellGone
            If the cell is dead or no longer there.
        """
        cells = self.model.tissue.cells
        uids = cells["uid"]
        row = self.__dict__["_row"]
        if row >= uids.size or uids[row] != self.unique_id:
            found = np.flatnonzero(uids == np.uint64(self.unique_id))
            if found.size == 0:
                raise CellGone(f"cell {self.unique_id} is no longer there")
            row = self.__dict__["_row"] = int(found[0])
        if not self._is_seen(cells["state"][row]):
            raise CellGone(f"cell {self.unique_id} is {STATES[cells['state'][row]]}")
        return row

    @property
    def pos(self) -> tuple[float, ...]:
        """Center of the cell's site in µm, (x, y) or (x, y, z)."""
        lattice = self.model.tissue.lattice
        z, y, x = lattice.centers(np.asarray(self.site)).tolist()
        return (x, y) if lattice.shape[0] == 1 else (x, y, z)

    @property
    def exists(self) -> bool:
        """Whether the view is still of use: the one question it answers after its cell's death."""
        try:
            self.row  # noqa: B018 - raises when the cell is gone
        except CellGone:
            return False
        return True

    def remove(self) -> None:
        """Take the cell out of the tissue at once, without debris.

        Raises
        ------
        TypeError
            For a cell of the vessel graph, whose links only the processes may cut.
        """
        cells = self.model.tissue.cells
        row = self.row
        if LAYER_OF_TYPE[cells["cell_type"][row]] == VESSEL:
            raise TypeError("an endothelial cell is a node of the vessel graph and cannot be taken out on its own")
        kept = np.ones(cells.n, dtype=bool)
        kept[row] = False
        cells.keep(kept)
        self.model.deregister_agent(self)

    @staticmethod
    def _is_seen(state: int) -> bool:
        return state == ALIVE


class TumorCell(CellAgent):
    """A living tumor cell."""


class EndothelialCell(CellAgent):
    """A living endothelial cell: a node of the vessel graph."""


class Pericyte(CellAgent):
    """A living pericyte."""


class MDSC(CellAgent):
    """A living myeloid-derived suppressor cell."""


class Fibroblast(CellAgent):
    """A living fibroblast."""


class TCell(CellAgent):
    """A living T cell."""


class Debris(CellAgent):
    """What is left of a dead cell until it is cleared."""

    @staticmethod
    def _is_seen(state: int) -> bool:
        return state != ALIVE


# Classes in the order of CELL_TYPES, so that a cell's type is an index into both.
AGENT_TYPES: Final[tuple[type[CellAgent], ...]] = (TumorCell, EndothelialCell, Pericyte, MDSC, Fibroblast, TCell)


class CellViews:
    """All views of a model's cells, ordered by uid, made anew only for cells that have none.

    Parameters
    ----------
    model : TumorModel
    """

    def __init__(self, model: TumorModel) -> None:
        self._model = model
        self._seen: tuple[np.ndarray, ...] = ()
        self._views: dict[int, CellAgent] = {}
        self._sets: dict[type[CellAgent], AgentSet] = {}
        self._living = AgentSet([], random=model.random)

    def living(self) -> AgentSet:
        """Views of all living cells."""
        self._refresh()
        return self._living

    def living_by_type(self) -> dict[type[CellAgent], AgentSet]:
        """Views of the living cells of each type that is present."""
        self._refresh()
        return {kind: agents for kind, agents in self._sets.items() if kind is not Debris}

    def debris(self) -> AgentSet:
        """Views of dead cells that are not yet cleared."""
        self._refresh()
        return self._sets.get(Debris) or AgentSet([], random=self._model.random)

    def discard(self, view: CellAgent) -> None:
        """Drop a view from the sets that were handed out."""
        self._views.pop(view.unique_id, None)
        for agents in (self._living, *self._sets.values()):
            agents.discard(view)

    def _refresh(self) -> None:
        cells = self._model.tissue.cells
        now = (cells["uid"], cells["cell_type"], cells["state"])
        if self._seen and all(np.array_equal(a, b) for a, b in zip(self._seen, now, strict=True)):
            return
        known, self._views = self._views, {}
        members: dict[type[CellAgent], list[CellAgent]] = {}
        order = np.argsort(cells["uid"])
        rows = zip(order.tolist(), *(column[order].tolist() for column in now), strict=True)
        for row, uid, cell_type, state in rows:
            kind = AGENT_TYPES[cell_type] if state == ALIVE else Debris
            view = known.get(uid)
            if type(view) is not kind:
                view = kind.__new__(kind)
                view.__dict__.update(model=self._model, unique_id=uid)
            view.__dict__["_row"] = row
            self._views[uid] = view
            members.setdefault(kind, []).append(view)
        random = self._model.random
        ordered = sorted(members, key=lambda kind: (*AGENT_TYPES, Debris).index(kind))
        self._sets = {kind: AgentSet(members[kind], random=random) for kind in ordered}
        living = (view for view in self._views.values() if type(view) is not Debris)
        self._living = AgentSet(living, random=random)
        self._seen = tuple(column.copy() for column in now)


def _move(cells: Cells, row: int, site: Any) -> None:
    """Put a cell on a free site of its layer."""
    layer = LAYER_OF_TYPE[cells["cell_type"][row]]
    if layer == VESSEL:
        raise ValueError("an endothelial cell is a node of the vessel graph and stays on its site")
    if not 0 <= site < cells.occupancy.shape[1]:
        raise ValueError(f"site {site} is outside the lattice of {cells.occupancy.shape[1]} sites")
    there = cells.occupancy[layer, site]
    if there not in (-1, row):
        raise ValueError(f"site {site} is taken by cell {cells['uid'][there]}")
    cells.occupancy[layer, cells["site"][row]] = -1
    cells.occupancy[layer, site] = row
    cells["site"][row] = site
