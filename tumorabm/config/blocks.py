"""The blocks of an experiment file. Field names are what users write; times are in h, lengths in µm, doses in mg."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    WithJsonSchema,
    field_serializer,
    model_validator,
)

from tumorabm import units
from tumorabm.config.quantity import Fault, Length, Span, Time, Wrong, read_quantity
from tumorabm.errors import nearest
from tumorabm.tissue.lattice import FACES, FIXED, NO_FLUX, PERIODIC, Lattice

CONDITIONS: Final = {"no_flux": NO_FLUX, "periodic": PERIODIC, "fixed": FIXED}
TABLE_SUFFIXES: Final = (".csv", ".h5ad")
_AXES: Final = ("z", "y", "x")


class Block(BaseModel):
    """Settings that know their names: an unknown one is an error, and they do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def _boundary(given: Any) -> str | dict[str, str]:
    """A word, or a mapping from all six faces to words."""
    if isinstance(given, str):
        if given not in CONDITIONS:
            raise Wrong(f"{given!r} is no boundary condition{nearest(given, CONDITIONS)}")
        return given
    if not isinstance(given, dict):
        raise Wrong(f"expected one of {', '.join(CONDITIONS)}, or a mapping from axes or faces to them, got {given!r}")
    known = (*_AXES, *FACES)
    faults = [Fault((key,), f"unknown axis or face{nearest(key, known)}", True) for key in given if key not in known]
    faults += [
        Fault((key,), f"{word!r} is no boundary condition{nearest(word, CONDITIONS)}")
        for key, word in given.items()
        if key in known and (not isinstance(word, str) or word not in CONDITIONS)
    ]
    faults += [
        Fault((key,), f"the faces of axis {key} are given twice")
        for key in given
        if key in _AXES and (f"{key}_low" in given or f"{key}_high" in given)
    ]
    if faults:
        raise Wrong(faults)
    return {face: str(given.get(face, given.get(face[0], "no_flux"))) for face in FACES}


class LatticeBlock(Block):
    """The domain: sites, their spacing, and what happens at the faces."""

    shape: list[int] = Field(
        description="Sites along (y, x), or along (z, y, x) in three dimensions", min_length=2, max_length=3
    )
    spacing: Length = Field(description="Edge of a site")
    boundary: Annotated[
        str | dict[str, str],
        PlainValidator(_boundary),
        WithJsonSchema(
            {
                "oneOf": [
                    {"enum": list(CONDITIONS)},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {key: {"enum": list(CONDITIONS)} for key in (*_AXES, *FACES)},
                    },
                ]
            }
        ),
    ] = Field("no_flux", description="One word for all faces, or words by axis (x, y, z) or face (x_low, x_high, ...)")

    @model_validator(mode="after")
    def _checked(self) -> LatticeBlock:
        if any(size < 1 for size in self.shape):
            raise Wrong([Fault(("shape",), f"{self.shape} must hold numbers of at least 1")])
        if isinstance(self.boundary, dict):
            if self.flat and {self.boundary["z_low"], self.boundary["z_high"]} != {"no_flux"}:
                raise Wrong([Fault(("boundary",), "a two-dimensional lattice has closed faces along z")])
            for axis in _AXES:
                pair = {self.boundary[f"{axis}_low"], self.boundary[f"{axis}_high"]}
                if "periodic" in pair and len(pair) == 2:
                    raise Wrong([Fault(("boundary",), f"both faces of axis {axis} must be periodic, or neither")])
        return self

    @field_serializer("boundary")
    def _written(self, boundary: str | dict[str, str]) -> str | dict[str, str]:
        if isinstance(boundary, str):
            return boundary
        faces = {face: word for face, word in boundary.items() if not (self.flat and face.startswith("z"))}
        words = set(faces.values())
        return words.pop() if len(words) == 1 else faces

    @property
    def flat(self) -> bool:
        """Whether the domain is two-dimensional."""
        return len(self.shape) == 2

    def lattice(self) -> Lattice:
        """The geometry, with z first; two dimensions are a slab one site thick with closed faces."""
        nz, ny, nx = (1, *self.shape) if self.flat else self.shape
        words = self.boundary if isinstance(self.boundary, dict) else dict.fromkeys(FACES, self.boundary)
        closed = ("z_low", "z_high") if self.flat else ()
        faces = tuple(NO_FLUX if face in closed else CONDITIONS[words[face]] for face in FACES)
        return Lattice((nz, ny, nx), self.spacing, faces)  # type: ignore[arg-type]


def _coordinate(given: Any) -> float | str:
    if isinstance(given, str):
        return units.as_text(read_quantity(given, "um", example="1200 um"), "um")
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0.0 <= given <= 1.0:
        raise Wrong(f"expected a fraction of the domain from 0 to 1, or a length such as '1200 um', got {given!r}")
    return float(given)


Coordinate = Annotated[
    float | str,
    PlainValidator(_coordinate),
    WithJsonSchema({"oneOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string"}]}),
]


def _table(given: Any) -> Any:
    """A table may be just its path."""
    return {"path": given} if isinstance(given, str) else given


def _path(given: Any) -> Path:
    if not isinstance(given, str | Path) or not str(given):
        raise Wrong(f"expected the path of a file, got {given!r}")
    path = Path(given)
    if path.suffix not in TABLE_SUFFIXES:
        raise Wrong(f"{str(given)!r} is no table; expected a file that ends in {' or '.join(TABLE_SUFFIXES)}")
    return path


class TableBlock(Block):
    """A table of positions in µm, and the names of its columns."""

    path: Annotated[
        Path,
        BeforeValidator(_path),
        PlainSerializer(str, return_type=str),
        WithJsonSchema({"type": "string", "pattern": r"\.(csv|h5ad)$"}),
    ] = Field(description="CSV or h5ad file, relative to this file")
    x: str = Field("x", description="Column of x")
    y: str = Field("y", description="Column of y")
    z: str | None = Field(None, description="Column of z; needed in three dimensions")
    clone: str | None = Field(
        None, description="Column of the clone's name; drawn by the clones' fractions if not given"
    )
    cell_type: str | None = Field(None, description="Column of the cell type; all rows are tumor cells if not given")
    sha256: str | None = Field(None, description="Hash of the file, written into resolved experiments")

    def columns(self) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return tuple(name for name in (self.x, self.y, self.z, self.clone, self.cell_type) if name)


class CellsBlock(Block):
    """Tumor cells that are there at the start: a shape filled at a density, or a table."""

    shape: Literal["disc", "sphere", "box", "all"] | None = Field(
        None, description="disc in two dimensions, sphere in three, box, or all sites"
    )
    center_given: list[Coordinate] | None = Field(
        None,
        alias="center",
        description="In the order of lattice.shape, as fractions of the domain or lengths; its middle by default",
    )
    radius: Length | None = Field(None, description="Of a disc or sphere")
    size_given: list[Length] | None = Field(
        None, alias="size", description="Edges of a box, in the order of lattice.shape"
    )
    density: float = Field(1.0, description="Share of the shape's sites that are filled", gt=0.0, le=1.0)
    clone: str | None = Field(None, description="Name of the clone; drawn by the clones' fractions if not given")
    table: Annotated[TableBlock | None, BeforeValidator(_table)] = Field(
        None, description="Path of a table, or a mapping with its path and columns"
    )
    _lattice: Lattice | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _checked(self) -> CellsBlock:
        if (self.shape is None) == (self.table is None):
            raise Wrong("each item has either a shape or a table")
        round_shape = self.shape in ("disc", "sphere")
        if round_shape and self.radius is None:
            raise Wrong(f"a {self.shape} needs a radius")
        if self.shape == "box" and self.size_given is None:
            raise Wrong("a box needs a size")
        misplaced = (
            ("radius", self.radius is not None and not round_shape, "a disc or sphere"),
            ("size", self.size_given is not None and self.shape != "box", "a box"),
            ("center", self.center_given is not None and self.shape in (None, "all"), "a disc, sphere or box"),
            ("density", self.density < 1.0 and self.shape is None, "a shape"),
        )
        faults = [Fault((name,), f"belongs to {owner}", True) for name, wrong, owner in misplaced if wrong]
        if faults:
            raise Wrong(faults)
        return self

    @property
    def center(self) -> tuple[float, float, float] | None:
        """Center in µm along (z, y, x); None for the middle of the domain."""
        if self.center_given is None or self._lattice is None:
            return None
        lengths = [n * self._lattice.spacing for n in self._lattice.shape]
        given = [0.5] * (3 - len(self.center_given)) + list(self.center_given)
        z, y, x = (
            units.quantity(part, "um") if isinstance(part, str) else part * length
            for part, length in zip(given, lengths, strict=True)
        )
        return z, y, x

    @property
    def size(self) -> tuple[float, float, float] | None:
        """Edges of a box in µm along (z, y, x)."""
        if self.size_given is None or self._lattice is None:
            return None
        z, y, x = [self._lattice.spacing] * (3 - len(self.size_given)) + list(self.size_given)
        return z, y, x

    def place_in(self, lattice: Lattice) -> None:
        """Say which lattice fractions and missing axes refer to."""
        self._lattice = lattice


class VesselsBlock(Block):
    """The vessels at the start."""

    network: Literal["capillary_mesh", "none", "table"] = Field(
        "capillary_mesh", description="A random mesh of capillaries, no vessels, or those of a table"
    )
    spacing: Length | None = Field(
        None, description="Width of a mesh; cell_types.endothelial.host_vessel_spacing by default"
    )
    arteriole_spacing: Length | None = Field(
        None, description="Least distance of feeding or draining vessels; cell_types.endothelial.arteriole_spacing"
    )
    table: Annotated[TableBlock | None, BeforeValidator(_table)] = Field(
        None, description="Path of a table of vessel sites, or a mapping with its path and columns"
    )

    @model_validator(mode="before")
    @classmethod
    def _table_is_a_network(cls, data: Any) -> Any:
        if isinstance(data, dict) and "table" in data and "network" not in data:
            return {**data, "network": "table"}
        return data

    @model_validator(mode="after")
    def _checked(self) -> VesselsBlock:
        if (self.network == "table") != (self.table is not None):
            wanted = "needs the path of a table" if self.network == "table" else "belongs to network: table"
            raise Wrong([Fault(("table",), wanted)])
        for name in ("spacing", "arteriole_spacing"):
            if self.network != "capillary_mesh" and getattr(self, name) is not None:
                raise Wrong([Fault((name,), "belongs to network: capillary_mesh")])
        return self


class RecordBlock(Block):
    """What is written down and when."""

    every: Span = Field(24.0, description="Interval of the outputs")
    frames: Span | None = Field(None, description="Interval of frames of fields, cells and vessels; none if not given")
    checkpoint: Span = Field(240.0, description="Interval of checkpoints")
    keep: list[Time] = Field(
        default_factory=list, description="Times of checkpoints to keep, for branches; the burn-in counts"
    )
    outputs: list[str] = Field(
        default_factory=list, description="Names of outputs; all that substrates and processes allow if none is named"
    )
