"""Reading runs: labelled data and figures. Nothing here needs the model; ``open_run`` reads a run folder."""

from tumorabm.analysis.course import course_figure
from tumorabm.analysis.maps import map_figure
from tumorabm.analysis.projections import projection_figure
from tumorabm.analysis.run import Run, latest_run, open_run

__all__ = ["Run", "course_figure", "latest_run", "map_figure", "open_run", "projection_figure"]
