"""Outputs against counts by hand and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from tumorabm.recording.hull import hull_of
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import output, registered_outputs, series_of
from tumorabm.tissue.cells import ALIVE, NECROTIC, TUMOR
from tumorabm.tissue.lattice import PERIODIC, Lattice
from tumorabm.tissue.lesion import largest_component

CONSTANTS = {"hypoxic_threshold": 5.0}


def values(tissue) -> dict[str, object]:
    measurement = Measurement(tissue, CONSTANTS)
    return {series.name: series.value(measurement) for series in series_of(registered_outputs(), tissue)}


def test_counts_and_fractions(tissue) -> None:
    cells = tissue.cells
    tumor = cells["cell_type"] == TUMOR
    got = values(tissue)
    assert got["tumor_cells"] == np.count_nonzero(tumor & (cells["state"] == ALIVE))
    assert got["necrotic_cells"] == np.count_nonzero(cells["state"] == NECROTIC) > 0
    assert got["apoptotic_cells"] == 1
    assert got["lesion_cells"] == np.count_nonzero(tumor)
    assert got["viable_fraction"] == got["tumor_cells"] / got["lesion_cells"]
    assert got["necrotic_fraction"] == got["necrotic_cells"] / got["lesion_cells"]
    oxygen = tissue.microenvironment["oxygen"].at(cells["site"][tumor & (cells["state"] == ALIVE)])
    assert got["hypoxic_fraction"] == np.mean(oxygen < 5.0)
    assert got["endothelial_cells"] == 24
    assert got["tip_cells"] == 1
    assert got["drug_plasma_total"] == 100.0
    assert got["drug_plasma_unbound"] == 5.0


def test_lesion_diameter_follows_the_number_of_cells_to_one_third(make) -> None:
    small, large = (values(make(shape=(1, 60, 60), radius=radius)) for radius in (5.0, 20.0))
    ratio = large["lesion_diameter"] / small["lesion_diameter"]
    assert ratio == pytest.approx((large["lesion_cells"] / small["lesion_cells"]) ** (1 / 3), rel=1e-12)
    volume = small["lesion_cells"] * 20.0**3
    assert small["lesion_volume"] == volume
    assert np.pi / 6 * small["lesion_diameter"] ** 3 == pytest.approx(volume, rel=1e-12)


@pytest.mark.parametrize(("shape", "radius"), [((1, 80, 80), 30.0), ((40, 40, 40), 15.0)])
def test_hull_of_a_ball_has_its_diameter(make, shape, radius) -> None:
    """Corners lie up to half a diagonal of a site beyond the centers, hence the tolerance of a site."""
    measurement = Measurement(make(shape=shape, radius=radius), CONSTANTS)
    hull = measurement.hull
    assert hull.diameter == pytest.approx((2 * radius + 1) * 20.0, abs=20.0)
    assert hull.mask[measurement.lesion].all()
    inside = np.count_nonzero(hull.mask) * measurement.lattice.site_volume
    assert inside == pytest.approx(hull.volume, rel=0.06)
    walls = [n // 2 - radius for n in shape if n > 1] + [n - 1 - n // 2 - radius for n in shape if n > 1]
    assert hull.border_distance == pytest.approx(min(walls) * 20.0)


def test_hull_of_an_l_contains_the_inner_corner_and_nothing_outside() -> None:
    sites = np.zeros((1, 10, 10), dtype=bool)
    sites[0, 1:9, 1:3] = True
    sites[0, 7:9, 1:9] = True
    hull = hull_of(sites, Lattice((1, 10, 10), 10.0))
    assert hull.mask[0, 5, 3]
    assert not hull.mask[0, 1, 8]
    assert not hull.mask[0, 0].any()
    # The square of 8 sites without the triangle between the ends of the arms: legs of 6 sites.
    assert hull.volume == pytest.approx((64 - 18) * 1000.0)


def test_hull_of_one_site_and_of_none() -> None:
    lattice = Lattice((1, 6, 6), 10.0)
    sites = np.zeros(lattice.shape, dtype=bool)
    assert hull_of(sites, lattice).diameter == 0.0
    assert np.isnan(hull_of(sites, lattice).border_distance)
    sites[0, 2, 3] = True
    hull = hull_of(sites, lattice)
    assert hull.volume == pytest.approx(1000.0)
    assert np.array_equal(hull.mask, sites)
    assert hull.border_distance == 20.0


def test_hull_on_a_line_of_sites() -> None:
    lattice = Lattice((1, 1, 9), 10.0)
    sites = np.zeros(lattice.shape, dtype=bool)
    sites[0, 0, [2, 5]] = True
    hull = hull_of(sites, lattice)
    assert np.flatnonzero(hull.mask).tolist() == [2, 3, 4, 5]
    assert hull.diameter == 40.0


@pytest.mark.parametrize("center", [(0, 12, 12), (0, 0, 0), (0, 23, 5)])
def test_a_periodic_lesion_measures_the_same_wherever_it_lies(make, center) -> None:
    reference = values(make(shape=(1, 24, 24), periodic=True))
    got = values(make(shape=(1, 24, 24), periodic=True, center=center))
    assert got["lesion_cells"] == reference["lesion_cells"]
    assert got["hull_diameter"] == pytest.approx(reference["hull_diameter"], rel=1e-12)
    assert got["hull_border_distance"] == np.inf


def test_largest_component_joins_across_corners_of_a_periodic_domain() -> None:
    mask = np.zeros((3, 4, 4), dtype=bool)
    mask[0, 0, 0] = mask[2, 3, 3] = mask[1, 2, 1] = True
    joined = largest_component(mask, (True, True, True))
    assert joined[0, 0, 0] and joined[2, 3, 3] and not joined[1, 2, 1]
    walled = largest_component(mask, (True, True, False))
    assert walled[0, 0, 0] and np.count_nonzero(walled) == 1  # equal sizes: that of the lowest site


def test_largest_component_against_a_flood_fill() -> None:
    rng = np.random.default_rng(5)
    periodic = (True, False, True)
    lattice = Lattice((4, 7, 6), 1.0, (PERIODIC, PERIODIC, 0, 0, PERIODIC, PERIODIC))
    from tumorabm.tissue.vasculature import neighbor_table

    table = neighbor_table(lattice)
    for _ in range(20):
        mask = rng.random(lattice.shape) < 0.12
        flat, best = mask.ravel(), set()
        seen: set[int] = set()
        for site in np.flatnonzero(flat):
            if int(site) in seen:
                continue
            component, todo = {int(site)}, [int(site)]
            while todo:
                for other in table[todo.pop()]:
                    if other >= 0 and flat[other] and int(other) not in component:
                        component.add(int(other))
                        todo.append(int(other))
            seen |= component
            if len(component) > len(best):
                best = component
        assert set(np.flatnonzero(largest_component(mask, periodic)).tolist()) == best


def test_vessel_length_density_of_a_straight_vessel(make) -> None:
    """A line of vessel through a disc: its length inside over the hull's volume; sections show half as many."""
    tissue = make(shape=(1, 41, 41), radius=12.0)
    measurement = Measurement(tissue, CONSTANTS)
    inside = np.count_nonzero(measurement.hull.mask.reshape(41, 41)[20])
    volume = np.count_nonzero(measurement.hull.mask) * 8000.0
    got = values(tissue)
    assert got["vessel_length_density"] == pytest.approx(inside * 20.0 / volume * 1e6, rel=1e-12)
    assert got["microvessel_density"] == got["vessel_length_density"] / 2
    assert got["lesion_endothelial_cells"] == inside
    assert got["host_endothelial_cells"] == 41 - inside
    assert got["perfused_fraction"] == got["perfused_lesion_endothelial_cells"] / inside


def test_supply_shares_add_up_to_one_and_follow_the_definition(tissue) -> None:
    assert np.isnan(values(tissue)["root_supply_share"])  # no step yet, nothing supplied
    exchange = np.random.default_rng(1).random(tissue.lattice.shape)
    oxygen = tissue.microenvironment["oxygen"]
    oxygen.concentration[:] = 3.0
    oxygen.contribute("loss", "supply", exchange)
    oxygen.contribute("source", "supply", exchange * 15.0)  # blood of 15 mmHg, 12 above the tissue
    got = values(tissue)
    shares = [got[f"{kind}_supply_share"] for kind in ("root", "host", "sprout", "recolonized")]
    assert sum(shares) == pytest.approx(1.0)
    measurement = Measurement(tissue, CONSTANTS)
    sites = measurement.endothelium.sites[measurement.endothelium.in_hull]
    total = exchange.ravel()[sites].sum() * 12.0 * 8000.0
    assert got["lesion_oxygen_supply"] == pytest.approx(total)
    sprouts = measurement.endothelial("origin")[measurement.endothelium.in_hull] == 1
    assert got["sprout_supply_share"] == pytest.approx(exchange.ravel()[sites[sprouts]].sum() * 12.0 * 8000.0 / total)


def test_quantiles(tissue) -> None:
    got = values(tissue)
    oxygen = tissue.microenvironment["oxygen"].concentration
    assert np.array_equal(got["oxygen_domain_quantiles"], np.quantile(oxygen, [0.05, 0.25, 0.5, 0.75, 0.95]))
    lesion = Measurement(tissue, CONSTANTS).lesion_sites
    assert got["oxygen_lesion_quantiles"][2] == np.median(oxygen.ravel()[lesion])
    assert got["mean_lesion_oxygen"] == got["oxygen_lesion_mean"] == pytest.approx(oxygen.ravel()[lesion].mean())


def test_nothing_depends_on_the_order_of_rows(tissue) -> None:
    before = values(tissue)
    tissue.cells.permute(np.random.default_rng(3).permutation(tissue.cells.n))
    after = values(tissue)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value, err_msg=name)


def test_without_tumor_and_vessels(tissue) -> None:
    tissue.cells.keep(np.zeros(tissue.cells.n, dtype=bool))
    tissue.vasculature.links[:] = 0
    got = values(tissue)
    assert got["lesion_cells"] == got["lesion_diameter"] == got["hull_diameter"] == got["endothelial_cells"] == 0
    undefined = (
        "viable_fraction",
        "hypoxic_fraction",
        "vessel_length_density",
        "perfused_fraction",
        "oxygen_lesion_mean",
    )
    assert all(np.isnan(got[name]) for name in undefined)


def test_every_output_says_what_it_is(tissue) -> None:
    for name, item in registered_outputs().items():
        assert item.name == name and item.description
        assert item.unit or item.per == "substrate"
    for series in series_of(registered_outputs(), tissue):
        assert series.unit, series.name


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="lesion_diameter.*exists already"):

        @output("lesion_diameter", "um", "another")
        def _other(m: Measurement) -> float:
            return 0.0
