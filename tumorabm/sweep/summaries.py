"""Summaries: one number from a run's time series. To add a statistic, write one function here.

Times are counted as outputs are: since the start of the run, burn-in included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from tumorabm import units
from tumorabm.config import Experiment, declared
from tumorabm.config.checks import available_outputs
from tumorabm.config.quantity import TIME_UNITS, Wrong, read_number, read_quantity
from tumorabm.errors import nearest
from tumorabm.recording.measurement import QUANTILES
from tumorabm.recording.outputs import REPORTED
from tumorabm.recording.run_folder import RunFolder

_HOURS_PER_DAY: Final = 24.0
_TIMES: Final = ("from", "to", "at", "relative_to")
_PASSED: Final = ("above", "below")
_ANY: Final = ("output", "statistic", "quantile")
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Summary:
    """What is computed from a run.

    Parameters
    ----------
    name : str
        A column of the table.
    output : str
        Name of a time series.
    statistic : str
        One of ``STATISTICS``.
    options : dict of str to float
        Times in h (``from``, ``to``, ``at``, ``relative_to``), thresholds in the output's unit (``above``, ``below``),
        and ``quantile`` for an output that has them.
    """

    name: str
    output: str
    statistic: str
    options: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Statistic:
    """A way to make one number of a time series.

    Parameters
    ----------
    function : callable
        Of hours, values and options.
    description : str
    options, needed : tuple of str
        Options that it knows, and those among them that it cannot do without.
    unit : str
        Of the result, with ``{}`` for the unit of the output; "{} d" is a product of the two.
    """

    function: Callable[[np.ndarray, np.ndarray, Mapping[str, float]], float]
    description: str
    options: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    unit: str = "{}"


STATISTICS: dict[str, Statistic] = {}


def statistic(
    name: str, description: str, *, options: tuple[str, ...] = (), needed: tuple[str, ...] = (), unit: str = "{}"
) -> Callable[[Any], Any]:
    """Make a function of hours, values and options known as a statistic; see ``Statistic`` for the parameters."""

    def add(function: Any) -> Any:
        STATISTICS[name] = Statistic(function, description, options, needed, unit)
        return function

    return add


# --- statistics ------------------------------------------------------------------------------------------------------


def _value_at(hours: np.ndarray, values: np.ndarray, time: float) -> float:
    """Between two records linear; NaN before the first and after the last."""
    return float(np.interp(time, hours, values, left=np.nan, right=np.nan))


def _window(hours: np.ndarray, values: np.ndarray, options: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """The records from ``from`` to ``to``, with interpolated ones at both ends."""
    low, high = options.get("from", hours[0]), options.get("to", hours[-1])
    inside = (hours > low) & (hours < high)
    times = np.concatenate(([low], hours[inside], [high] if high > low else []))
    ends = {0: low, len(times) - 1: high}
    window = np.concatenate(([np.nan], values[inside], [np.nan] if high > low else []))
    for index, time in ends.items():
        window[index] = _value_at(hours, values, time)
    return times, window


@statistic("final", "value at the last record")
def _final(hours: np.ndarray, values: np.ndarray, options: Mapping[str, float]) -> float:
    return float(values[-1])


@statistic("at", "value at a time", options=("at",), needed=("at",))
def _at(hours: np.ndarray, values: np.ndarray, options: Mapping[str, float]) -> float:
    return _value_at(hours, values, options["at"])


@statistic("min", "smallest value", options=("from", "to"))
def _min(hours: np.ndarray, values: np.ndarray, options: Mapping[str, float]) -> float:
    return float(np.min(_window(hours, values, options)[1]))


@statistic("max", "largest value", options=("from", "to"))
def _max(hours: np.ndarray, values: np.ndarray, options: Mapping[str, float]) -> float:
    return float(np.max(_window(hours, values, options)[1]))


@statistic("mean", "mean over time", options=("from", "to"))
def _mean(hours: np.ndarray, values: np.ndarray, options: Mapping[str, float]) -> float:
    times, window = _window(hours, values, options)
    return float(np.trapezoid(window, times) / (times[-1] - times[0])) if times[-1] > times[0] else float(window[0])


@statistic("area", "integral over time", options=("from", "to"), unit="{} d")
def _area(hours: np.ndarray, values: np.ndarray, options: Mapping[str, float]) -> float:
    times, window = _window(hours, values, options)
    return float(np.trapezoid(window, times) / _HOURS_PER_DAY)


@statistic("change", "value at the end over the value at the beginning", options=("from", "to"), unit="1")
def _change(hours: np.ndarray, values: np.ndarray, options: Mapping[str, float]) -> float:
    _, window = _window(hours, values, options)
    return float(window[-1] / window[0]) if window[0] else float("nan")


@statistic("growth_rate", "slope of the logarithm over time, by least squares", options=("from", "to"), unit="1/d")
def _growth_rate(hours: np.ndarray, values: np.ndarray, options: Mapping[str, float]) -> float:
    times, window = _window(hours, values, options)
    if times.size < 2 or not np.all(window > 0.0):
        return float("nan")
    days = (times - times.mean()) / _HOURS_PER_DAY
    return float(days @ np.log(window) / (days @ days))


@statistic(
    "time_to",
    "time of the first passing of a threshold, NaN if it is never passed; with relative_to in multiples of the value "
    "at that time",
    options=("above", "below", "from", "to", "relative_to"),
    unit="d",
)
def _time_to(hours: np.ndarray, values: np.ndarray, options: Mapping[str, float]) -> float:
    times, window = _window(hours, values, options)
    side = "above" if "above" in options else "below"
    scale = _value_at(hours, values, options["relative_to"]) if "relative_to" in options else 1.0
    beyond = window - options[side] * scale
    beyond = beyond if side == "above" else -beyond
    passed = np.flatnonzero(beyond >= 0.0)
    if not passed.size:
        return float("nan")
    index = int(passed[0])
    if index == 0:
        return float(times[0] / _HOURS_PER_DAY)
    before, after = beyond[index - 1], beyond[index]
    if not np.isfinite(before):
        return float(times[index] / _HOURS_PER_DAY)
    moment = times[index - 1] - before / (after - before) * (times[index] - times[index - 1])
    return float(moment / _HOURS_PER_DAY)


# --- of a run --------------------------------------------------------------------------------------------------------


def summarize(run: RunFolder, summaries: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """What the summaries of a sweep give for a run.

    Parameters
    ----------
    run : RunFolder
    summaries : mapping of str to mapping
        As a sweep file and its plan have them, by name.

    Returns
    -------
    dict of str to float
        NaN where the run does not have the output (a process that it comes with is off) or the statistic has no value.
    """
    records = run.records()
    described = records.manifest["series"]
    out = {}
    for name, definition in summaries.items():
        output = str(definition["output"])
        if output not in records.series or not records.hours.size:
            out[name] = float("nan")
            continue
        summary = read_summary(name, definition, str(described[output]["unit"]))
        values = np.asarray(records.series[output], dtype=float)
        if values.ndim == 2:
            values = values[:, QUANTILES.index(summary.options["quantile"])]
        out[name] = STATISTICS[summary.statistic].function(records.hours, values, summary.options)
    return out


def read_summary(name: str, definition: Mapping[str, Any], unit: str) -> Summary:
    """A definition with its quantities as numbers.

    Parameters
    ----------
    name : str
    definition : mapping
        As in a sweep file; it must be right, see ``check_summary``.
    unit : str
        Of the output.
    """
    options = {}
    for key, given in definition.items():
        if key in _TIMES:
            options[key] = read_quantity(given, "h")
        elif key in _PASSED:
            options[key] = read_number(given, "1" if "relative_to" in definition else unit)
        elif key == "quantile":
            options[key] = float(given)
    return Summary(name, str(definition["output"]), str(definition["statistic"]), options)


def summary_unit(definition: Mapping[str, Any], unit: str) -> str:
    """Unit of a summary of an output in ``unit``."""
    text = STATISTICS[str(definition["statistic"])].unit.format(unit)
    return text.removeprefix("1 ")


# --- checks ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeriesKind:
    """Unit of a time series, and whether it holds quantiles."""

    unit: str
    quantiles: bool


def series_of_experiment(experiment: Experiment) -> dict[str, SeriesKind]:
    """The time series that a run of the experiment records, by name, known without building it."""
    from tumorabm.config.contents import make_substrates
    from tumorabm.processes.dosing.pharmacokinetics import drug_model
    from tumorabm.processes.dosing.toxicity import toxicity_classes
    from tumorabm.processes.resistance.held_drugs import held_names

    catalog, sets = experiment.catalog, experiment.sets
    units_of = {substrate.name: substrate.unit for substrate in make_substrates(experiment)}
    compounds = [compound.name for drug in experiment.drugs for compound in drug_model(catalog, drug, sets).compounds]
    known = declared.outputs()
    found = {}
    for name in experiment.record.outputs or available_outputs(experiment):
        item = known[name]
        if item.per == "substrate":
            for substrate, unit in units_of.items():
                found[f"{substrate}_{name}"] = SeriesKind(item.unit or unit, item.quantiles)
        elif item.per == "compound":
            found |= {f"{compound}_{name}": SeriesKind(item.unit, item.quantiles) for compound in compounds}
        elif item.per == "held_drug":
            held = held_names(catalog, experiment.choice())
            found |= {f"{drug}_{name}": SeriesKind(item.unit, item.quantiles) for drug in held}
        elif item.per == "toxicity_class":
            classes = set(toxicity_classes(catalog, experiment.drugs).values())
            found |= {f"{of}_{name}": SeriesKind(item.unit, item.quantiles) for of in sorted(classes)}
        elif item.per == "clone":
            found |= {f"{clone.name}_{name}": SeriesKind(item.unit, item.quantiles) for clone in experiment.clones}
        elif item.per:
            nodes = _nodes_of(experiment, item.per.removesuffix("_node"))
            found |= {f"{node}_{name}": SeriesKind(item.unit, item.quantiles) for node in nodes if node in REPORTED}
        else:
            found[name] = SeriesKind(item.unit, item.quantiles)
    return found


def _nodes_of(experiment: Experiment, cell_type: str) -> Sequence[str]:
    """Nodes of the signaling network in a type of cell; none where it is off."""
    chosen = experiment.choice().signaling.get(cell_type)
    return () if chosen is None else tuple(experiment.catalog.noun("networks", chosen.network).facts["nodes"])


def check_series(name: Any, experiment: Experiment) -> str:
    """What is wrong with the name of a time series to collect; empty if nothing is."""
    known = series_of_experiment(experiment)
    if isinstance(name, str) and name in known:
        return ""
    return f"{name!r} is no time series of the base experiment{nearest(str(name), known)}"


def check_summary(definition: Any, experiment: Experiment) -> list[str]:
    """What is wrong with the definition of a summary, as messages; none if all is well."""
    return [f"{key}: {message}" if key else message for key, message in summary_faults(definition, experiment)]


def summary_faults(definition: Any, experiment: Experiment) -> list[tuple[str, str]]:
    """What is wrong with the definition of a summary: the key concerned (empty for the whole), and a message."""
    if not isinstance(definition, Mapping):
        return [("", f"expected a mapping with output and statistic, got {definition!r}")]
    faults = [(key, "is missing") for key in ("output", "statistic") if key not in definition]
    unit = None
    if "output" in definition:
        output = definition["output"]
        known = series_of_experiment(experiment)
        wrong = check_series(output, experiment)
        if wrong:
            faults.append(("output", wrong))
        else:
            unit = known[output].unit
            faults += _quantile_faults(definition, str(output), known[output].quantiles)
    if "statistic" not in definition:
        return faults
    name = definition["statistic"]
    if not isinstance(name, str) or name not in STATISTICS:
        return [*faults, ("statistic", f"{name!r} is no statistic{nearest(str(name), STATISTICS)}")]
    return faults + _option_faults(definition, STATISTICS[name], unit, experiment)


def _quantile_faults(definition: Mapping[str, Any], output: str, quantiles: bool) -> list[tuple[str, str]]:
    words = ", ".join(f"{value:g}" for value in QUANTILES)
    if not quantiles:
        return [("quantile", f"{output!r} has no quantiles")] if "quantile" in definition else []
    if definition.get("quantile") not in QUANTILES:
        return [("quantile", f"{output!r} has several; choose one of {words}")]
    return []


def _option_faults(
    definition: Mapping[str, Any], known: Statistic, unit: str | None, experiment: Experiment
) -> list[tuple[str, str]]:
    name = definition["statistic"]
    faults = []
    options: dict[str, float] = {}
    end = experiment.burn_in + experiment.duration
    last = (end + _ROUNDING) // experiment.record.every * experiment.record.every
    for key, given in definition.items():
        if key in _ANY:
            continue
        if key not in known.options:
            hint = nearest(str(key), [*_ANY, *known.options])
            faults.append((str(key), f"is no option of the statistic {name}{hint}"))
            continue
        try:
            if key in _TIMES:
                options[key] = read_quantity(given, "h", "not_negative", "90 d")
                if options[key] > last * (1.0 + _ROUNDING):
                    faults.append((key, f"{given!r} lies after the last record at {_time(last)}, burn-in included"))
            elif "relative_to" in definition:
                read_number(given, "1")
            elif unit is not None:
                read_number(given, unit)
        except Wrong as error:
            faults.append((str(key), str(error)))
    faults += [(key, f"is missing, the statistic {name} needs it") for key in known.needed if key not in definition]
    if "above" in known.options and ("above" in definition) == ("below" in definition):
        faults.append(("", f"the statistic {name} needs either 'above' or 'below'"))
    if "from" in options and options.get("to", last) <= options["from"]:
        faults.append(("from", f"{definition['from']!r} is not before {_time(options.get('to', last))}"))
    return faults


def _time(hours: float) -> str:
    return units.as_text(hours, "h", TIME_UNITS)
