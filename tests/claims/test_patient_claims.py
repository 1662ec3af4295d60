"""Claims about germline variants of patients: transport, metabolism and targets of drugs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from patient_scenes import EXPERIMENTS, TREATED, exposure, model, patient_with

from tumorabm.config import load_experiment


def test_f54_an_abcb1_haplotype_takes_a_fifth_of_everolimus_and_nothing_of_what_is_infused() -> None:
    """Everolimus is given by mouth, temsirolimus into a vein."""
    usual, carrier = patient_with(), patient_with("patient.variants=[abcb1_ttt]")
    assert exposure(model(carrier, "everolimus")) == pytest.approx(0.79 * exposure(model(usual, "everolimus")))
    for drug in ("temsirolimus", "sunitinib"):
        assert exposure(model(carrier, drug)) == pytest.approx(exposure(model(usual, drug)))
    # The course keeps its shape: what arrives is less, and leaves as fast.
    rates = [np.linalg.eigvals(model(item, "everolimus").rates) for item in (usual, carrier)]
    np.testing.assert_allclose(np.sort(rates[1].real), np.sort(rates[0].real), rtol=1e-12)


def test_f55_variants_of_receptors_for_xenobiotics_lower_what_cyp3a4_metabolizes() -> None:
    usual, carrier = patient_with(), patient_with("patient.variants=[nr1i2_carrier, nr1i3_carrier]")
    for drug in ("everolimus", "sunitinib"):
        assert exposure(model(carrier, drug))[0] == pytest.approx(exposure(model(usual, drug))[0] / 1.2 / 1.3)
    for drug in ("bevacizumab", "interferon_alpha"):
        assert exposure(model(carrier, drug)) == pytest.approx(exposure(model(usual, drug)))


@pytest.mark.parametrize(
    ("variant", "target"),
    [
        ("vegfr2_less_sensitive", "vegfr2"),
        ("pdgfr_less_sensitive", "pdgfrb"),
        ("vegfr3_rs307826", "vegfr3"),
        ("vegfr3_rs307821", "vegfr3"),
    ],
)
def test_f56_f57_variants_of_a_target_shift_all_its_inhibitors_and_no_other(variant: str, target: str) -> None:
    usual, carrier = patient_with(), patient_with(f"patient.variants=[{variant}]")
    entry = f"{target}_inhibition"
    for drug in ("sunitinib", "sorafenib"):
        path = f"drugs.{drug}.{entry}"
        assert carrier.value(path, "nM") == 2.0 * usual.value(path, "nM")
        other = f"drugs.{drug}.kit_inhibition"
        assert carrier.value(other, "nM") == usual.value(other, "nM")


def test_f58_any_locus_may_be_added_and_cites_its_source(tmp_path: Path) -> None:
    folder = tmp_path / "variants"
    folder.mkdir()
    (folder / "mine.yaml").write_text(
        "name: mine\ndescription: Some locus\nfacts: {gene: X, loci: [rs1]}\nvalues:\n"
        "  sunitinib_clearance: {description: Clearance, value: 1.5, unit: '1', source: [yu_2015], confidence: E}\n"
    )
    changed = load_experiment(EXPERIMENTS / "untreated.yaml", [TREATED, "patient.variants=[mine]"], [tmp_path])
    assert changed.value("drugs.sunitinib.pk_clearance", "L/h") == pytest.approx(1.5 * 35.7)
    assert "yu_2015" in changed.catalog.entry("drugs.sunitinib.pk_clearance", changed.sets).source
    assert "in a carrier of mine" in changed.sentences()
