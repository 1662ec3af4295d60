"""Reading runs: labelled data and figures. Nothing here needs the model; ``open_run`` reads a run folder."""

from tumorabm.analysis.biopsy import biopsy
from tumorabm.analysis.course import course_figure
from tumorabm.analysis.maps import map_figure
from tumorabm.analysis.muller import muller_plot
from tumorabm.analysis.phylogeny import Phylogeny, phylogeny
from tumorabm.analysis.projections import projection_figure
from tumorabm.analysis.run import Run, latest_run, open_run

__all__ = [
    "Phylogeny",
    "Run",
    "biopsy",
    "course_figure",
    "latest_run",
    "map_figure",
    "muller_plot",
    "open_run",
    "phylogeny",
    "projection_figure",
]
