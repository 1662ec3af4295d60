"""How far the claims about the signaling network hang on its assumed numbers: the table of ``network_robustness.md``.

    python tests/validation/network_robustness.py [--write]

The numbers of the networks were set by hand until every claim of ``tests/claims/test_network_claims.py`` held with them
and in most networks with drawn half-maxima and exponents. This repeats the check, and moves every assumed number (also
weights, basal activities and inputs, which are not drawn) to both ends of its range, one at a time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "claims"))

from scenarios import DRAWS, SETS, drawn, states  # noqa: E402
from test_network_claims import CLAIMS, Claim  # noqa: E402

from tumorabm.catalog import load_catalog  # noqa: E402
from tumorabm.processes.signaling.network import Network  # noqa: E402

NETWORKS = ("rcc_figure1", "endothelium_figure1")
CELLS = [cell for claim in CLAIMS.values() for cell in claim.cells]


def broken(found: dict, claims: dict[str, Claim]) -> list[str]:
    """Claims that do not hold of some states."""
    return [name for name, claim in claims.items() if not claim.holds(*(found[cell] for cell in claim.cells))]


def one_at_a_time() -> dict[str, list[str]]:
    """Numbers that break a claim at an end of their range, by claim."""
    catalog = load_catalog()
    usual = {name: Network.from_catalog(catalog, name, SETS) for name in NETWORKS}
    out: dict[str, list[str]] = {name: [] for name in CLAIMS}
    for network in NETWORKS:
        mine = {name: claim for name, claim in CLAIMS.items() if claim.cells[0].network == network}
        cells = [cell for claim in mine.values() for cell in claim.cells]
        for path in catalog.paths():
            if not path.startswith(f"networks.{network}.") or path.endswith("_time"):
                continue
            entry = catalog.entry(path, SETS)
            if "assumed" not in entry.source or entry.range is None:
                continue
            for end in entry.range:
                text = f"{end:.6g}" if entry.unit == "1" else f"{end:.6g} {entry.unit}"
                moved = Network.from_catalog(catalog.with_overrides({path: text}), network, SETS)
                for name in broken(states(cells, lambda n, moved=moved: {**usual, moved.name: moved}[n]), mine):
                    out[name].append(f"{path.split('.')[-1]} = {text}")
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    held = dict.fromkeys(CLAIMS, 0)
    for draw in range(DRAWS):
        failed = broken(states(CELLS, lambda name, draw=draw: drawn(name, draw)), CLAIMS)
        for name in set(CLAIMS) - set(failed):
            held[name] += 1
    ends = one_at_a_time()
    lines = [
        "# Claims about the signaling network, and the numbers they hang on",
        "",
        f"Made by `python tests/validation/network_robustness.py --write`: share of {DRAWS} networks with half-maxima",
        "and exponents drawn from their ranges in which each claim holds; single numbers that break it at an end",
        "of their range. Failing at the end of a range is no fault of a claim, but says which number decides it.",
        "",
        "| claim | share of draws | broken by one number alone |",
        "|---|---:|---|",
    ]
    lines += [f"| {name} | {held[name] / DRAWS:.3f} | {'; '.join(ends[name]) or '-'} |" for name in CLAIMS]
    text = "\n".join(lines) + "\n"
    print(text)
    if given.write:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
