"""Pictures of a run: ``python -m tumorabm.analysis.render RUN [--frames all|0,5,-1] [--margin UM] [--out DIR]``.

Writes the course, and for each frame a map of its fields, cells and vessels (in 3D: of the middle slice, and
projections), of tumor cells by clone, EMT and drug inside, and of the cells and vessels of the stroma, where
there are such, as PNG files. Where there are several clones also how they fared.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tumorabm.analysis.course import course_figure
from tumorabm.analysis.maps import map_figure
from tumorabm.analysis.muller import muller_plot
from tumorabm.analysis.projections import projection_figure
from tumorabm.analysis.run import open_run
from tumorabm.analysis.stroma import has_stroma, stroma_figure
from tumorabm.analysis.tumor import has_states, tumor_figure
from tumorabm.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH: Final = 130


def render_run(
    path: str | Path,
    out: str | Path | None = None,
    frames: Sequence[int] | None = (-1,),
    z: int | None = None,
    margin: float | None = None,
) -> list[Path]:
    """Write the pictures of a run.

    Parameters
    ----------
    path : str or Path
        The run folder.
    out : str or Path, optional
        Folder to write to; ``figures`` in the run folder if not given.
    frames : sequence of int or None
        Numbers of frames, negative from the end; all if None.
    z : int, optional
        Slice of a 3D run.
    margin : float, optional
        Show maps of the lesion with this margin (µm) instead of the whole domain.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If it is no run folder, has no such frame or slice, or a file cannot be written.
    """
    run = open_run(path)
    folder = Path(out) if out is not None else run.folder.path / "figures"
    count = run.frame_times.size
    wrong = [frame for frame in frames or () if not -count <= frame < count]
    if wrong and count:
        raise InputError(f"{path} has frames 0 to {count - 1}, not {', '.join(map(str, wrong))}")
    if z is not None and not 0 <= z < run.shape[0]:
        raise InputError(f"{path} has slices 0 to {run.shape[0] - 1}, not {z}")
    chosen = range(count) if frames is None or not count else frames
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error})") from error
    written = [_save(course_figure(run), folder / "course.png")]
    if run.census["key"].nunique() > 1:
        written.append(_save(muller_plot(run), folder / "clones.png"))
    for frame in chosen:
        stem = f"day_{run.frame_times[frame]:07.2f}".replace(".", "_")
        written.append(_save(map_figure(run, frame, z, margin), folder / f"map_{stem}.png"))
        if has_states(run, frame):
            written.append(_save(tumor_figure(run, frame, z, margin), folder / f"tumor_{stem}.png"))
        if has_stroma(run):
            written.append(_save(stroma_figure(run, frame, z, margin), folder / f"stroma_{stem}.png"))
        if run.shape[0] > 1:
            written.append(_save(projection_figure(run, frame), folder / f"projection_{stem}.png"))
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit status: 0, or 2 if the input is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tumorabm.analysis.render", description="Pictures of a run.")
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("--frames", type=_frames, default=(-1,), help="'all', or numbers such as 0,5,-1 (default: -1)")
    parser.add_argument("--out", type=Path, default=None, help="folder to write to (default: RUN/figures)")
    parser.add_argument("--slice", type=int, default=None, help="slice of a 3D run (default: the middle)", metavar="Z")
    parser.add_argument("--margin", type=_margin, help="show the lesion with this margin in um, not the whole domain")
    given = parser.parse_args(arguments)
    try:
        written = render_run(given.run, given.out, given.frames, given.slice, given.margin)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    for path in written:
        print(path)
    return 0


def _margin(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0.0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of um, 0 or more")
    return value


def _frames(text: str) -> tuple[int, ...] | None:
    if text == "all":
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected 'all', or numbers such as 0,5,-1") from None


def _save(figure: Figure, path: Path) -> Path:
    try:
        figure.savefig(path, dpi=DOTS_PER_INCH, bbox_inches="tight")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error})") from error
    return path


if __name__ == "__main__":
    sys.exit(main())
