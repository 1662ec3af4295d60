"""Broken experiments, each with the messages that a user must see: file, line, column, path, value, what was expected."""

# Messages stand whole, as users see them.
# ruff: noqa: E501

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tumorabm import yaml
from tumorabm.config import ExperimentError, load_experiment

GOOD = """\
name: good
burn_in: 10 d
duration: 100 d
time_step: 2 h
seed: 7
substrates: [oxygen, vegf_a]
lattice: {shape: [120, 120], spacing: 20 um, boundary: no_flux}
sets: {kinetics: patient_metastasis, literature: primary, targets: davis}
clones:
  - {name: founder, vhl: mutated}
cells:
  - shape: disc
    radius: 250 um
    clone: founder
vessels: {spacing: 200 um}
treatment:
  - drug: sunitinib
    dose: 50 mg
    every: 1 d
    on: 28 d
    off: 14 d
processes:
  migration: {speed: 3 um/h}
  necrosis: true
catalog:
  substrates.oxygen.diffusivity: 1.8e-5 cm^2/s
record:
  every: 1 d
  frames: 10 d
  outputs: [tumor_cells, lesion_diameter]
"""

POINTS = "x,y,clone\n100,120,founder\n"

# name, what is replaced in GOOD, by what, all messages; one that ends in * needs only to begin so
CASES: list[tuple[str, str, str, list[str]]] = [
    (
        "duplicate_key",
        "seed: 7",
        "seed: 7\nseed: 8",
        [
            "broken.yaml:6:1: seed: duplicate key 'seed'",
        ],
    ),
    (
        "not_yaml",
        "lattice: {shape: [120, 120]",
        "lattice: {shape: [120, 120",
        [
            "broken.yaml:7:62: not valid YAML: expected ',' or ']', but got '}'",
        ],
    ),
    (
        "tab",
        "burn_in: 10 d",
        "\tburn_in: 10 d",
        [
            "broken.yaml:2:1: not valid YAML: found character '\\t' that cannot start any token",
        ],
    ),
    (
        "tag",
        "name: good",
        "name: !secret good",
        [
            "broken.yaml:1:7: name: the tag '!secret' is not used here",
        ],
    ),
    (
        "unknown_key",
        "time_step: 2 h",
        "time_stp: 2 h",
        [
            "broken.yaml:1:1: time_step: is missing (length of a step; 2 h for patients, 1 h for xenografts and cultures)",
            "broken.yaml:4:1: time_stp: unknown key; did you mean 'time_step'?",
        ],
    ),
    (
        "unknown_nested_key",
        "spacing: 20 um,",
        "spacng: 20 um,",
        [
            "broken.yaml:7:10: lattice.spacing: is missing (edge of a site)",
            "broken.yaml:7:30: lattice.spacng: unknown key; did you mean 'spacing'?",
        ],
    ),
    (
        "unknown_treatment_key",
        "    every: 1 d",
        "    evry: 1 d",
        [
            "broken.yaml:17:5: treatment[0].every: is missing: a drug without a schedule; give 'dose' and 'every', for example 'every: 1 d'",
            "broken.yaml:19:5: treatment[0].evry: unknown key; did you mean 'every'?",
        ],
    ),
    (
        "no_schedule",
        "    every: 1 d\n",
        "",
        [
            "broken.yaml:17:5: treatment[0].every: is missing: a drug without a schedule; give 'dose' and 'every', for example 'every: 1 d'",
        ],
    ),
    (
        "no_dose",
        "    dose: 50 mg\n",
        "",
        [
            "broken.yaml:17:5: treatment[0].dose: is missing: a drug without a schedule; give 'dose' and 'every', for example 'dose: 50 mg'",
        ],
    ),
    (
        "missing_block",
        "clones:",
        "extra: 1\nclones:",
        [
            "broken.yaml:9:1: extra: unknown key",
        ],
    ),
    (
        "duration_missing",
        "duration: 100 d\n",
        "",
        [
            "broken.yaml:1:1: duration: is missing (time after the burn-in)",
        ],
    ),
    (
        "null_removes",
        "duration: 100 d",
        "duration: ~",
        [
            "broken.yaml:1:1: duration: is missing (time after the burn-in)",
        ],
    ),
    (
        "bare_number",
        "time_step: 2 h",
        "time_step: 2",
        [
            "broken.yaml:4:12: time_step: 2 has no unit, expected a time, for example '2 h'",
        ],
    ),
    (
        "bare_number_in_text",
        "time_step: 2 h",
        'time_step: "2"',
        [
            "broken.yaml:4:12: time_step: '2' has no unit, expected a time, for example '2 h'",
        ],
    ),
    (
        "wrong_dimension",
        "time_step: 2 h",
        "time_step: 2 um",
        [
            "broken.yaml:4:12: time_step: '2 um' is a length, expected a time",
        ],
    ),
    (
        "unknown_unit",
        "spacing: 20 um",
        "spacing: 20 ums",
        [
            "broken.yaml:7:39: lattice.spacing: '20 ums': 'ums' is not a unit, expected a length, for example '1 um'",
        ],
    ),
    (
        "no_number",
        "    dose: 50 mg",
        "    dose: fifty mg",
        [
            "broken.yaml:18:11: treatment[0].dose: 'fifty mg' is not a number with a unit, expected a mass, for example '1 mg'",
        ],
    ),
    (
        "list_for_quantity",
        "burn_in: 10 d",
        "burn_in: [10 d]",
        [
            "broken.yaml:2:10: burn_in: expected a quantity such as '28 d', got ['10 d']",
        ],
    ),
    (
        "negative_burn_in",
        "burn_in: 10 d",
        "burn_in: -10 d",
        [
            "broken.yaml:2:10: burn_in: '-10 d' must be 0 or more",
        ],
    ),
    (
        "zero_step",
        "time_step: 2 h",
        "time_step: 0 h",
        [
            "broken.yaml:4:12: time_step: '0 h' must be above 0",
        ],
    ),
    (
        "dose_in_nM",
        "    dose: 50 mg",
        "    dose: 50 nM",
        [
            "broken.yaml:18:11: treatment[0].dose: '50 nM' is a concentration, expected a mass",
        ],
    ),
    (
        "bool",
        "seed: 7",
        "seed: yes",
        [
            "broken.yaml:5:7: seed: expected a whole number, got 'yes'",
        ],
    ),
    (
        "seed_fraction",
        "seed: 7",
        "seed: 1.5",
        [
            "broken.yaml:5:7: seed: expected a whole number, got 1.5",
        ],
    ),
    (
        "seed_negative",
        "seed: 7",
        "seed: -1",
        [
            "broken.yaml:5:7: seed: -1 must be at least 0",
        ],
    ),
    (
        "name_with_slash",
        "name: good",
        "name: a/b",
        [
            "broken.yaml:1:7: name: 'a/b' must begin with a letter or digit and hold letters, digits, '_', '.' and '-' only, 100 at most",
        ],
    ),
    (
        "one_axis",
        "shape: [120, 120]",
        "shape: [120]",
        [
            "broken.yaml:7:18: lattice.shape: has 1 items, expected at least 2",
        ],
    ),
    (
        "zero_sites",
        "shape: [120, 120]",
        "shape: [120, 0]",
        [
            "broken.yaml:7:18: lattice.shape: [120, 0] must hold numbers of at least 1",
        ],
    ),
    (
        "boundary_word",
        "boundary: no_flux",
        "boundary: noflux",
        [
            "broken.yaml:7:56: lattice.boundary: 'noflux' is no boundary condition; did you mean 'no_flux'?",
        ],
    ),
    (
        "boundary_face",
        "boundary: no_flux",
        "boundary: {x_left: periodic}",
        [
            "broken.yaml:7:57: lattice.boundary.x_left: unknown axis or face; expected one of z, y, x, z_low, z_high, y_low, y_high, x_low, x_high",
        ],
    ),
    (
        "boundary_half_periodic",
        "boundary: no_flux",
        "boundary: {x_low: periodic}",
        [
            "broken.yaml:7:56: lattice.boundary: both faces of axis x must be periodic, or neither",
        ],
    ),
    (
        "boundary_z_in_2d",
        "boundary: no_flux",
        "boundary: {z: periodic}",
        [
            "broken.yaml:7:56: lattice.boundary: a two-dimensional lattice has closed faces along z",
        ],
    ),
    (
        "boundary_twice",
        "boundary: no_flux",
        "boundary: {x: periodic, x_low: fixed}",
        [
            "broken.yaml:7:60: lattice.boundary.x: the faces of axis x are given twice",
        ],
    ),
    (
        "lattice_too_small",
        "shape: [120, 120]",
        "shape: [120, 35]",
        [
            "broken.yaml:7:18: lattice.shape: the lattice is too small for the vessels: 700 um is 3.5 times their spacing of 200 um, expected at least 4 and better 10",
        ],
    ),
    (
        "set_unknown",
        "kinetics: patient_metastasis",
        "kinetics: patient",
        [
            "broken.yaml:8:18: sets.kinetics: 'patient' is no kinetics set; expected one of in_vitro, xenograft, patient_metastasis, patient_primary",
        ],
    ),
    (
        "set_missing",
        "literature: primary, ",
        "",
        [
            "broken.yaml:8:7: sets.literature: is missing; choose one of review_2016, primary",
        ],
    ),
    (
        "set_kind",
        "targets: davis",
        "target: davis",
        [
            "broken.yaml:8:7: sets.targets: is missing; choose one of cellular, davis",
            "broken.yaml:8:59: sets.target: unknown kind of set; did you mean 'targets'?",
        ],
    ),
    (
        "vhl",
        "vhl: mutated",
        "vhl: deleted",
        [
            "broken.yaml:10:26: clones[0].vhl: 'deleted' is not known; expected one of wild_type, mutated, methylated",
        ],
    ),
    (
        "alteration",
        "vhl: mutated}",
        "vhl: mutated, alterations: [pten_los]}",
        [
            "broken.yaml:10:49: clones[0].alterations[0]: 'pten_los' is no alteration of the catalog; did you mean 'pten_loss'?",
        ],
    ),
    (
        "alteration_twice",
        "vhl: mutated}",
        "vhl: mutated, alterations: [vhl_mutated]}",
        [
            "broken.yaml:10:49: clones[0].alterations[0]: 'vhl_mutated' is named twice",
        ],
    ),
    (
        "mutations",
        "seed: 7",
        "seed: 7\nmutations: [{alteration: tsc_los}, {alteration: neutral, rate: 2, clones: [founders]}]",
        [
            "broken.yaml:6:64: mutations[1].rate: expected a probability from 0 to 1 such as 1.0e-6, or 'catalog', got 2",
        ],
    ),
    (
        "mutations_that_do_not_fit",
        "seed: 7",
        "seed: 7\nmutations: [{alteration: tsc_los}, {alteration: neutral, clones: [founders, founder, founder]}, {alteration: neutral, start: 100 d}]",
        [
            "broken.yaml:6:26: mutations[0].alteration: 'tsc_los' is no alteration of the catalog; did you mean 'tsc_loss'?",
            "broken.yaml:6:67: mutations[1].clones[0]: 'founders' is none of the clones; did you mean 'founder'?",
            "broken.yaml:6:86: mutations[1].clones[2]: 'founder' is named twice",
            "broken.yaml:6:110: mutations[2].alteration: 'neutral' is named twice",
            "broken.yaml:6:126: mutations[2].start: '100 d' is not before the end of the run at 100 d",
        ],
    ),
    (
        "exposure",
        "seed: 7",
        "seed: 7\nexposure: {everolimos: 5 nM}",
        [
            "broken.yaml:6:12: exposure.everolimos: 'everolimos' is no drug of the catalog; did you mean 'everolimus'?",
        ],
    ),
    (
        "exposure_bare",
        "seed: 7",
        "seed: 7\nexposure: {everolimus: 5}",
        [
            "broken.yaml:6:24: exposure.everolimus: 5 has no unit, expected a concentration, for example '5 nM'",
        ],
    ),
    (
        "exposure_negative",
        "seed: 7",
        "seed: 7\nexposure: {everolimus: -5 nM}",
        [
            "broken.yaml:6:24: exposure.everolimus: '-5 nM' must be 0 or more",
        ],
    ),
    (
        "drug_of_cultures_only",
        "drug: sunitinib",
        "drug: torin1",
        [
            "broken.yaml:17:11: treatment[0].drug: torin1 has no human pharmacokinetics; give it a constant concentration under 'exposure'",
        ],
    ),
    (
        "signaling_network",
        "seed: 7",
        "seed: 7\nsignaling: {tumor: {network: rcc_figur1}}",
        [
            "broken.yaml:6:30: signaling.tumor.network: 'rcc_figur1' is no network of the catalog; did you mean 'rcc_figure1'?",
        ],
    ),
    (
        "network_of_other_cells",
        "seed: 7",
        "seed: 7\nsignaling: {tumor: {network: endothelium_figure1}}",
        [
            "broken.yaml:6:30: signaling.tumor.network: 'endothelium_figure1' is a network of endothelial cells",
        ],
    ),
    (
        "signaling_of_nobody",
        "seed: 7",
        "seed: 7\nsignaling: {tumour: {}}",
        [
            "broken.yaml:6:13: signaling.tumour: unknown key; did you mean 'tumor'?",
        ],
    ),
    (
        "network_input",
        "seed: 7",
        "seed: 7\nsignaling: {tumor: {inputs: {oxigen: 5 mmHg}}}",
        [
            "broken.yaml:6:38: signaling.tumor.inputs.oxigen: network rcc_figure1 has no input 'oxigen'; did you mean 'oxygen'?",
        ],
    ),
    (
        "network_input_dimension",
        "seed: 7",
        "seed: 7\nsignaling: {tumor: {inputs: {oxygen: 5 nM}}}",
        [
            "broken.yaml:6:38: signaling.tumor.inputs.oxygen: '5 nM' is a concentration, expected a pressure",
        ],
    ),
    (
        "network_input_negative",
        "seed: 7",
        "seed: 7\nsignaling: {tumor: {inputs: {hgf: -5 nM}}}",
        [
            "broken.yaml:6:35: signaling.tumor.inputs.hgf: '-5 nM' must be 0 or more",
        ],
    ),
    (
        "clamp",
        "seed: 7",
        "seed: 7\nsignaling: {tumor: {clamp: {mtorc: 0}}}",
        [
            "broken.yaml:6:29: signaling.tumor.clamp.mtorc: network rcc_figure1 has no node 'mtorc'; did you mean *",
        ],
    ),
    (
        "clamp_range",
        "seed: 7",
        "seed: 7\nsignaling: {tumor: {clamp: {mtorc1: 1.5}}}",
        [
            "broken.yaml:6:37: signaling.tumor.clamp.mtorc1: 1.5 must be at most 1",
        ],
    ),
    (
        "cut",
        "seed: 7",
        "seed: 7\nsignaling: {tumor: {cut: [mtorc1 -> s6]}}",
        [
            "broken.yaml:6:27: signaling.tumor.cut[0]: network rcc_figure1 has no edge 'mtorc1 -> s6'; did you mean 'mtorc1_to_s6k'?",
        ],
    ),
    (
        "clone_unknown",
        "    clone: founder",
        "    clone: fonder",
        [
            "broken.yaml:14:12: cells[0].clone: 'fonder' is none of the clones; did you mean 'founder'?",
        ],
    ),
    (
        "fractions",
        "{name: founder, vhl: mutated}",
        "{name: founder, vhl: mutated, fraction: 0.4}",
        [
            "broken.yaml:10:3: clones: the fractions add up to 0.4, expected 1",
        ],
    ),
    (
        "no_radius",
        "    radius: 250 um\n",
        "",
        [
            "broken.yaml:12:5: cells[0]: a disc needs a radius",
        ],
    ),
    (
        "outside",
        "    radius: 250 um",
        "    radius: 250 um\n    center: [0.5, 0.05]",
        [
            "broken.yaml:12:5: cells[0]: the disc reaches from -130 to 370 um along x, outside the domain of 2400 um",
        ],
    ),
    (
        "holds_no_site",
        "    radius: 250 um",
        "    radius: 13 um",
        [
            "broken.yaml:12:5: cells[0]: the disc holds the center of no site; sites are 20 um apart",
        ],
    ),
    (
        "center_count",
        "    radius: 250 um",
        "    radius: 250 um\n    center: [0.5, 0.5, 0.5]",
        [
            "broken.yaml:14:13: cells[0].center: has 3 numbers, expected 2 as in lattice.shape",
        ],
    ),
    (
        "center_value",
        "    radius: 250 um",
        "    radius: 250 um\n    center: [0.5, 600]",
        [
            "broken.yaml:14:19: cells[0].center[1]: expected a fraction of the domain from 0 to 1, or a length such as '1200 um', got 600",
        ],
    ),
    (
        "sphere_in_2d",
        "shape: disc",
        "shape: sphere",
        [
            "broken.yaml:12:12: cells[0].shape: 'sphere' in 2 dimensions; did you mean 'disc'?",
        ],
    ),
    (
        "shape",
        "shape: disc",
        "shape: disk",
        [
            "broken.yaml:12:12: cells[0].shape: 'disk' is not known; did you mean 'disc'?",
        ],
    ),
    (
        "shape_and_table",
        "  - shape: disc",
        "  - table: cells.csv\n    shape: disc",
        [
            "broken.yaml:12:5: cells[0]: each item has either a shape or a table",
        ],
    ),
    (
        "density",
        "    radius: 250 um",
        "    radius: 250 um\n    density: 1.5",
        [
            "broken.yaml:14:14: cells[0].density: 1.5 must be at most 1",
        ],
    ),
    (
        "table_missing",
        "  - shape: disc\n    radius: 250 um\n    clone: founder",
        "  - table: cells.csv",
        [
            "broken.yaml:12:12: cells[0].table: no such file 'cells.csv'",
        ],
    ),
    (
        "table_suffix",
        "  - shape: disc\n    radius: 250 um\n    clone: founder",
        "  - table: cells.xlsx",
        [
            "broken.yaml:12:12: cells[0].table.path: 'cells.xlsx' is no table; expected a file that ends in .csv or .h5ad",
        ],
    ),
    (
        "network",
        "vessels: {spacing: 200 um}",
        "vessels: {network: mesh}",
        [
            "broken.yaml:15:20: vessels.network: 'mesh' is not known; expected one of capillary_mesh, none, table",
        ],
    ),
    (
        "spacing_without_mesh",
        "vessels: {spacing: 200 um}",
        "vessels: {network: none, spacing: 200 um}",
        [
            "broken.yaml:15:35: vessels.spacing: belongs to network: capillary_mesh",
        ],
    ),
    (
        "drug",
        "drug: sunitinib",
        "drug: sunitinb",
        [
            "broken.yaml:17:11: treatment[0].drug: 'sunitinb' is no drug of the catalog; did you mean 'sunitinib'?",
        ],
    ),
    (
        "drug_field",
        "substrates: [oxygen, vegf_a]",
        "substrates: [oxygen, vegf_a, sunitinib]",
        [
            "broken.yaml:6:30: substrates[2]: 'sunitinib' is a drug without a schedule here; its field comes with its item under 'treatment'",
        ],
    ),
    (
        "off_without_on",
        "    on: 28 d\n",
        "",
        [
            "broken.yaml:20:10: treatment[0].off: a break needs the length of the dosing period before it ('on')",
        ],
    ),
    (
        "on_without_off",
        "    off: 14 d\n",
        "",
        [
            "broken.yaml:20:9: treatment[0].on: a dosing period needs the break after it ('off'), or 'cycles'",
        ],
    ),
    (
        "starts_late",
        "    off: 14 d",
        "    off: 14 d\n    start: 100 d",
        [
            "broken.yaml:22:12: treatment[0].start: '100 d' is not before the end of the run at 100 d",
        ],
    ),
    (
        "end_before_start",
        "    off: 14 d",
        "    off: 14 d\n    start: 20 d\n    end: 10 d",
        [
            "broken.yaml:23:10: treatment[0].end: '10 d' must come after start at '20 d'",
        ],
    ),
    (
        "change",
        "    off: 14 d",
        "    off: 14 d\n    changes: [{at: 42 d, dos: 37.5 mg}]",
        [
            "broken.yaml:22:15: treatment[0].changes[0].dose: is missing (new dose, 0 mg for none)",
            "broken.yaml:22:26: treatment[0].changes[0].dos: unknown key; did you mean 'dose'?",
        ],
    ),
    (
        "delay_unit",
        "    off: 14 d",
        "    off: 14 d\n    delays: [{at: 42 d, by: 7}]",
        [
            "broken.yaml:22:29: treatment[0].delays[0].by: 7 has no unit, expected a time, for example '7 h'",
        ],
    ),
    (
        "no_pharmacokinetics",
        "  necrosis: true",
        "  pharmacokinetics: false",
        [
            "broken.yaml:24:21: processes.pharmacokinetics: a treatment needs this process; for an untreated run give 'treatment: []'",
        ],
    ),
    (
        "process",
        "  necrosis: true",
        "  necrossis: true",
        [
            "broken.yaml:24:3: processes.necrossis: unknown process; did you mean 'necrosis'?",
        ],
    ),
    (
        "process_setting",
        "  necrosis: true",
        "  necrosis: often",
        [
            "broken.yaml:24:13: processes.necrosis: expected true, false or parameters by name, got 'often'",
        ],
    ),
    (
        "parameter",
        "{speed: 3 um/h}",
        "{sped: 3 um/h}",
        [
            "broken.yaml:23:15: processes.migration.sped: unknown parameter of migration; did you mean 'speed'?",
        ],
    ),
    (
        "parameter_dimension",
        "{speed: 3 um/h}",
        "{speed: 3 um}",
        [
            "broken.yaml:23:22: processes.migration.speed: '3 um' is a length, expected a speed",
        ],
    ),
    (
        "substrate_needed",
        "substrates: [oxygen, vegf_a]",
        "substrates: [vegf_a]\nmechanisms: {all: false}",
        [
            "broken.yaml:6:13: substrates: 'oxygen' is needed by *",
        ],
    ),
    (
        "substrate_unknown",
        "substrates: [oxygen, vegf_a]",
        "substrates: [oxygen, vegfa, vegf_a]",
        [
            "broken.yaml:6:22: substrates[1]: 'vegfa' is no substrate of the catalog; did you mean 'vegf_a'?",
        ],
    ),
    (
        "birth_upside_down",
        "  necrosis: true",
        "  birth: {threshold: 10 mmHg}",
        [
            "broken.yaml:24:10: processes.birth: half of 8 mmHg must lie above threshold of 10 mmHg",
            "broken.yaml:24:10: processes.birth: reference of 9.6 mmHg must lie above threshold of 10 mmHg",
        ],
    ),
    (
        "sprouts_without_threshold",
        "  necrosis: true",
        "  sprouting: {threshold: 1.0}",
        ["broken.yaml:24:14: processes.sprouting: threshold of 1 must lie below 1"],
    ),
    (
        "necrosis_upside_down",
        "  necrosis: true",
        "  necrosis: {onset: 0.5 mmHg}",
        ["broken.yaml:24:13: processes.necrosis: onset of 0.5 mmHg must lie above full of 0.5 mmHg"],
    ),
    (
        "step_too_long",
        "  necrosis: true",
        "  birth: {rate: 5 1/d}",
        [
            "broken.yaml:4:12: time_step: '2 h' is too long for birth.rate of 0.208 1/h, which cannot sub-step; expected at most 0.96 h",
        ],
    ),
    (
        "catalog_path",
        "substrates.oxygen.diffusivity",
        "substrates.oxygen.difusivity",
        [
            "broken.yaml:26:3: catalog.substrates.oxygen.difusivity: the catalog has no 'substrates.oxygen.difusivity'; did you mean 'substrates.oxygen.diffusivity'?",
        ],
    ),
    (
        "catalog_dimension",
        "1.8e-5 cm^2/s",
        "1.8e-5 cm/s",
        [
            "broken.yaml:26:34: catalog.substrates.oxygen.diffusivity: '1.8e-5 cm/s' is a speed, expected a diffusivity (area/time)",
        ],
    ),
    (
        "catalog_bare",
        "1.8e-5 cm^2/s",
        "1800",
        [
            "broken.yaml:26:34: catalog.substrates.oxygen.diffusivity: '1800' has no unit, expected a diffusivity (area/time), for example '1800 um^2/s'",
        ],
    ),
    (
        "catalog_validation",
        "substrates.oxygen.diffusivity: 1.8e-5 cm^2/s",
        "substrates.oxygen.measured_median: 12 mmHg",
        [
            "broken.yaml:26:38: catalog.substrates.oxygen.measured_median: is a validation target, never an input of the model",
        ],
    ),
    (
        "frames",
        "  frames: 10 d",
        "  frames: 25 h",
        [
            "broken.yaml:29:11: record.frames: '25 h' is no multiple of the time step of 2 h",
        ],
    ),
    (
        "output",
        "tumor_cells, ",
        "tumour_cels, ",
        [
            "broken.yaml:30:13: record.outputs[0]: 'tumour_cels' is an output that nothing produces; did you mean 'tumor_cells'?",
        ],
    ),
    (
        "output_twice",
        "tumor_cells, ",
        "tumor_cells, tumor_cells, ",
        [
            "broken.yaml:30:26: record.outputs[1]: 'tumor_cells' is named twice",
        ],
    ),
    (
        "keep_late",
        "  frames: 10 d",
        "  frames: 10 d\n  keep: [300 d]",
        [
            "broken.yaml:30:10: record.keep[0]: '300 d' lies after the end of the run at 110 d, burn-in included",
        ],
    ),
    (
        "keep_uneven",
        "  frames: 10 d",
        "  frames: 10 d\n  keep: [25 h]",
        [
            "broken.yaml:30:10: record.keep[0]: '25 h' is no multiple of the time step of 2 h",
        ],
    ),
    (
        "extends_missing",
        "name: good",
        "name: good\nextends: nope.yaml",
        [
            "broken.yaml:2:10: extends: no such file 'nope.yaml'",
        ],
    ),
    (
        "extends_circle",
        "name: good",
        "name: good\nextends: broken.yaml",
        [
            "broken.yaml:2:10: extends: goes in a circle: broken.yaml -> broken.yaml",
        ],
    ),
    (
        "extends_list",
        "name: good",
        "name: good\nextends: [a.yaml]",
        [
            "broken.yaml:2:10: extends: expected the path of a file, got ['a.yaml']",
        ],
    ),
    (
        "table_column",
        "  - shape: disc\n    radius: 250 um\n    clone: founder",
        "  - table: {path: points.csv, clone: genotype}",
        [
            "broken.yaml:12:19: cells[0].table.path: 'points.csv' has no column 'genotype'; expected one of x, y, clone",
        ],
    ),
    (
        "table_in_3d",
        "lattice: {shape: [120, 120], spacing: 20 um, boundary: no_flux}",
        "lattice: {shape: [60, 60, 60], spacing: 20 um}",
        [
            "broken.yaml:12:12: cells[0].shape: 'disc' in 3 dimensions; did you mean 'sphere'?",
        ],
    ),
    (
        "several_at_once",
        "burn_in: 10 d\nduration: 100 d",
        "burn_in: 10\ndurations: 100 d\ntreatments: []",
        [
            "broken.yaml:1:1: duration: is missing (time after the burn-in)",
            "broken.yaml:2:10: burn_in: 10 has no unit, expected a time, for example '10 h'",
            "broken.yaml:3:1: durations: unknown key; did you mean 'duration'?",
            "broken.yaml:4:1: treatments: unknown key; did you mean 'treatment'?",
        ],
    ),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, so that messages name files without it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "points.csv").write_text(POINTS)
    return tmp_path


def test_the_good_one_is_good(folder: Path) -> None:
    (folder / "good.yaml").write_text(GOOD)
    experiment = load_experiment("good.yaml")
    (warning,) = experiment.warnings
    assert warning.startswith("catalog.substrates.oxygen.diffusivity: derived from it, but not changed with it: ")
    assert experiment.time_step == 2.0


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 40
    assert len({name for name, *_ in CASES}) == len(CASES)


@pytest.mark.parametrize(("old", "new", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_message(folder: Path, old: str, new: str, expected: list[str]) -> None:
    assert GOOD.count(old) == 1
    (folder / "broken.yaml").write_text(GOOD.replace(old, new))
    with pytest.raises(ExperimentError) as caught:
        load_experiment("broken.yaml")
    messages = [str(problem) for problem in caught.value.problems]
    assert len(messages) == len(expected), messages
    for message, wanted in zip(messages, expected, strict=True):
        if wanted.endswith("*"):
            assert message.startswith(wanted[:-1])
        else:
            assert message == wanted


SETTINGS = [
    ("time_step", "--set time_step: expected path=value"),
    ("time_step=2", "--set time_step=2: time_step: 2 has no unit, expected a time, for example '2 h'"),
    ("treatment[3].dose=1 mg", "--set treatment[3].dose=1 mg: treatment[3].dose: the list has 1 items, no item 3"),
    ("treatment.dose=1 mg", "--set treatment.dose=1 mg: treatment.dose: 'dose' is no index of a list"),
    ("..=1", "--set ..=1: '..' is no path such as treatment[0].dose"),
    (
        "lattice.spacin=1 um",
        "--set lattice.spacin=1 um: lattice.spacin: unknown key; did you mean 'spacing'?",
    ),
    (
        "catalog.substrates.oxygen.diffusivity=2 um",
        "--set catalog.substrates.oxygen.diffusivity=2 um: catalog.substrates.oxygen.diffusivity: "
        "'2 um' is a length, expected a diffusivity (area/time)",
    ),
    ("seed=[1", "--set seed=[1:1:3: not valid YAML: expected ',' or ']', but got '<stream end>'"),
]


@pytest.mark.parametrize(("setting", "expected"), SETTINGS, ids=[setting for setting, _ in SETTINGS])
def test_message_of_a_setting(folder: Path, setting: str, expected: str) -> None:
    (folder / "good.yaml").write_text(GOOD)
    with pytest.raises(ExperimentError) as caught:
        load_experiment("good.yaml", [setting])
    assert [str(problem) for problem in caught.value.problems] == [expected]


def test_a_broken_preset_is_named_where_it_stands(folder: Path) -> None:
    (folder / "presets").mkdir()
    (folder / "presets" / "base.yaml").write_text(GOOD.replace("time_step: 2 h", "time_step: 2 m"))
    (folder / "mine.yaml").write_text("extends: presets/base.yaml\nduration: 3 um\n")
    with pytest.raises(ExperimentError) as caught:
        load_experiment("mine.yaml")
    assert [str(problem) for problem in caught.value.problems] == [
        "mine.yaml:2:11: duration: '3 um' is a length, expected a time",
        "presets/base.yaml:4:12: time_step: '2 m' is a length, expected a time",
    ]


def test_what_does_not_fit_is_reported_with_what_is_broken(folder: Path) -> None:
    text = GOOD.replace("seed: 7", "seed: x").replace("drug: sunitinib", "drug: sunitinb")
    text = text.replace("[tumor_cells, lesion_diameter]", "[tumor_cells, lesion_diamter]")
    (folder / "broken.yaml").write_text(text)
    with pytest.raises(ExperimentError) as caught:
        load_experiment("broken.yaml")
    assert [problem.path for problem in caught.value.problems] == ["seed", "treatment[0].drug", "record.outputs[1]"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "broken.yaml: is empty, expected a mapping"),
        (b"- 1\n", "broken.yaml:1:1: holds a list, expected a mapping"),
        (b"\xff\xfe\x00", "broken.yaml: cannot be read: *"),
        (b"a: &x 1\n? [1, 2]\n: 3\n", "broken.yaml:2:3: a key must be a word"),
    ],
    ids=["empty", "list", "binary", "key"],
)
def test_not_even_a_mapping(folder: Path, content: bytes, expected: str) -> None:
    (folder / "broken.yaml").write_bytes(content)
    with pytest.raises(ExperimentError) as caught:
        load_experiment("broken.yaml")
    message = str(caught.value)
    assert message.startswith(expected[:-1]) if expected.endswith("*") else message == expected


def test_no_file_and_a_folder(folder: Path) -> None:
    for name, expected in (("nope.yaml", "nope.yaml: no such file"), (".", ".: is a folder, expected a YAML file")):
        with pytest.raises(ExperimentError) as caught:
            load_experiment(name)
        assert str(caught.value) == expected


ODD: list[Any] = [5, "x", [], {}, True, math.nan, "-3 d", "1e300 d", ["5 um"], {"a": 1}, 10**30]


def paths(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """All paths below a node."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in items:
        yield (*path, key)
        yield from paths(child, (*path, key))


def test_nothing_in_the_place_of_anything_gives_a_traceback(folder: Path) -> None:
    """Every value in turn is replaced with odd ones, a third of them by turns; it is fine or refused with messages."""
    content = yaml.parse(GOOD, "good.yaml").data
    content["cells"] += [
        {"shape": "box", "size": ["100 um", "1 mm"], "center": [0.5, "1 mm"]},
        {"table": {"path": "points.csv"}},
    ]
    content["treatment"][0] |= {"changes": [{"at": "10 d", "dose": "25 mg"}], "delays": [{"at": "10 d", "by": "2 d"}]}
    content["lattice"]["boundary"] = {"x": "periodic"}
    content["clones"][0]["alterations"] = ["pten_loss"]
    content["mutations"] = [{"alteration": "tsc_loss", "rate": 1e-6, "start": "3 d", "clones": ["founder"]}]
    content["exposure"] = {"everolimus": "5 nM"}
    tumor = {"network": "rcc_figure1", "inputs": {"hgf": "1 nM"}, "clamp": {"mtorc1": 0.5}, "cut": ["mtorc1 -> s6k"]}
    content["signaling"] = {"tumor": tumor, "endothelial": {"clamp": {"akt": 0}}}
    content["mechanisms"] = {"all": False, "flow": True}
    load_experiment(content)
    refused = 0
    for number, path in enumerate(list(paths(content))):
        for odd in ODD[number % 3 :: 3]:
            changed = copy.deepcopy(content)
            node = changed
            for step in path[:-1]:
                node = node[step]
            node[path[-1]] = odd
            try:
                load_experiment(changed).resolved()
            except ExperimentError as error:
                assert all(problem.message for problem in error.problems)
                refused += 1
    assert refused > 130
