"""The claims of the review and the tests that show them, as a page: python tests/claims/register.py [--write]

``claims.yaml`` holds the claims. A test names the claims that it shows at the beginning of its name
(``test_f31_f33_...``); a statement about the signaling network, which two tests take from a table, at the beginning of
its text (``@claim("F-10 ...")``). Tests anywhere below ``tests`` count. What has no test is open, unless
``claims.yaml`` says why it has none.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tumorabm import yaml

TESTS = Path(__file__).resolve().parents[1]
CLAIMS = Path(__file__).with_name("claims.yaml")
PAGE = TESTS.parent / "docs" / "claims.md"

SHOWN, PARTLY, OPEN, ARGUED, LATER = "shown", "partly", "open", "argued away", "with the trials"
STATUSES: Final = (SHOWN, PARTLY, OPEN, LATER, ARGUED)
KEYS: Final = {"claim", "how", "left", "status", "reason"}
# How a claim comes to hold, by what `how` says.
HOW: Final = {
    "construction": "by construction",
    "emerging": "emerging",
    "both": "parts by construction, their effect emerging",
}
_PREFIX = re.compile(r"test_((?:f\d{2,3}_)+)")

HEAD = """# Claims of the review

What the review of resistance to targeted therapy in renal cell carcinoma says that a simulation of it should show, and
the tests that show it. Made by `python tests/claims/register.py --write` from `tests/claims/claims.yaml` and the names
of the tests; a test holds that it is up to date.

- *shown*: tests hold what the claim says of tissue, cells or the network. *partly*: some of it; what is left stands in
  the row. *open*: no test yet. *with the trials*: it is about cohorts of patients, which come with virtual trials.
  *argued away*: nothing that a simulation could show, with the reason.
- *by construction*: an edge, a factor or a number of the catalog says it, and the test shows that it is there and acts
  with the sign of the claim. *emerging*: no rule says it; it follows from others.
- Tests marked *slow* run with `pytest -m slow` only.
"""


@dataclass(frozen=True)
class Shown:
    """A test, or a statement of a table of tests.

    Attributes
    ----------
    ids : tuple of str
        Claims that it names.
    file : str
        Path below the project, with ``/``.
    text : str
        What it shows, in words.
    slow : bool
    """

    ids: tuple[str, ...]
    file: str
    text: str
    slow: bool


def claims() -> Mapping[str, Mapping[str, Any]]:
    """The claims by ID."""
    return yaml.read(CLAIMS, CLAIMS.name).data


def named_tests() -> list[Shown]:
    """All tests that name a claim, in the order of files and lines."""
    return [found for path in sorted(TESTS.rglob("*.py")) for found in named_in(path)]


def named_in(path: Path) -> Iterator[Shown]:
    """Tests of a file that name a claim."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    file = path.relative_to(TESTS.parent).as_posix()
    marked = any(ast.unparse(node).startswith("pytestmark = pytest.mark.slow") for node in tree.body)
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        slow = marked or any(ast.unparse(item).startswith("pytest.mark.slow") for item in node.decorator_list)
        for item in node.decorator_list:
            if isinstance(item, ast.Call) and _names(item.func, "claim"):
                ids, text = re.match(r"((?:F-\d+ )+)(.*)", ast.literal_eval(item.args[0])).groups()
                yield Shown(tuple(ids.split()), file, text, slow)
        prefix = _PREFIX.match(node.name)
        if prefix:
            ids = tuple(f"F-{part[1:]}" for part in prefix[1].rstrip("_").split("_"))
            words = node.name[prefix.end() :].replace("_", " ")
            first = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
            yield Shown(ids, file, f"{words}. {first}" if first else words, slow)


def _names(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def status_of(claim: Mapping[str, Any], tested: bool) -> str:
    """Where a claim stands. What waits for the trials and has tests all the same is shown in part."""
    if not tested:
        return claim.get("status", OPEN)
    return PARTLY if "left" in claim or "status" in claim else SHOWN


def by_claim(found: list[Shown]) -> dict[str, list[Shown]]:
    """The tests of each claim that any of them names."""
    out: dict[str, list[Shown]] = {}
    for one in found:
        for name in one.ids:
            out.setdefault(name, []).append(one)
    return out


def faults(known: Mapping[str, Mapping[str, Any]], found: list[Shown]) -> list[str]:
    """What is wrong with the list of claims and the names of the tests."""
    shown = by_claim(found)
    out = [f"{name} of {shown[name][0].file} is not in {CLAIMS.name}" for name in sorted(set(shown) - set(known))]
    for name, claim in known.items():
        out += [f"{name}: unknown key {key!r}" for key in claim if key not in KEYS]
        if "status" in claim and (claim["status"] not in (ARGUED, LATER) or "reason" not in claim):
            out.append(f"{name}: a status is {ARGUED!r} or {LATER!r} and has a reason")
        if name in shown and claim.get("how") not in HOW:
            out.append(f"{name} has tests: 'how' must be one of {', '.join(HOW)}")
        if name in shown and claim.get("status") == ARGUED:
            out.append(f"{name} is argued away and has tests")
        if "left" in claim and name not in shown:
            out.append(f"{name}: 'left' is for what tests do not show, and there are none")
    return out


def page(known: Mapping[str, Mapping[str, Any]], found: list[Shown]) -> str:
    """The register."""
    shown = by_claim(found)
    statuses = {name: status_of(claim, name in shown) for name, claim in known.items()}
    counts = Counter(statuses.values())
    total = ", ".join(f"{counts[status]} {status}" for status in STATUSES)
    rows = [HEAD, f"{len(known)} claims: {total}.\n", "| id | claim | status | how | tests |", "|---|---|---|---|---|"]
    for name, claim in known.items():
        own = shown.get(name, [])
        why = claim.get("left") or claim.get("reason")
        status = statuses[name] + (f": {why}" if why else "")
        how = HOW[claim["how"]] if own else ""
        cells = (name, claim["claim"], status, how, "<br>".join(_line(one) for one in own))
        rows.append("| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |")
    return "\n".join(rows) + "\n"


def _line(test: Shown) -> str:
    return f"[{Path(test.file).stem}](../{test.file}): {test.text}" + (" *(slow)*" if test.slow else "")


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(
        description="The register of claims, from claims.yaml and the names of tests.", allow_abbrev=False
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} instead of printing it")
    chosen = parser.parse_args()
    known, found = claims(), named_tests()
    wrong = faults(known, found)
    if wrong:
        sys.exit("\n".join(wrong))
    if chosen.write:
        PAGE.write_text(page(known, found), encoding="utf-8")
    else:
        print(page(known, found), end="")


if __name__ == "__main__":
    main()
