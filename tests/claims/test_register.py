"""The register of claims: up to date, and honest about what has no test."""

from __future__ import annotations

import re
from pathlib import Path

import register
from register import ARGUED, LATER, OPEN, PARTLY, SHOWN, Shown, claims, faults, named_tests, page, status_of

import tumorabm

CATALOG = Path(tumorabm.__file__).parent / "catalog"
ALLOWED = 3  # claims that may be argued away


def test_the_page_is_up_to_date() -> None:
    text = register.PAGE.read_text(encoding="utf-8")
    assert text == page(claims(), named_tests()), "run python tests/claims/register.py --write"


def test_all_claims_are_there_and_few_are_argued_away() -> None:
    assert list(claims()) == [f"F-{number:02d}" for number in range(1, 95)]
    assert sum(claim.get("status") == ARGUED for claim in claims().values()) <= ALLOWED
    assert faults(claims(), named_tests()) == []


def test_claims_that_the_catalog_names_are_in_the_register() -> None:
    named = {name for path in CATALOG.rglob("*.yaml") for name in re.findall(r"\bF-\d+\b", path.read_text("utf-8"))}
    assert named and named <= set(claims())


def test_statuses_follow_from_tests_and_what_is_said() -> None:
    later = {"claim": "x", "status": LATER, "reason": "y"}
    assert status_of({"claim": "x"}, True) == SHOWN and status_of({"claim": "x"}, False) == OPEN
    assert status_of({"claim": "x", "left": "y"}, True) == PARTLY
    assert status_of(later, False) == LATER and status_of(later, True) == PARTLY


def test_faults_are_found() -> None:
    test = Shown(("F-01",), "tests/test_x.py", "x", False)
    assert faults({}, [test]) == ["F-01 of tests/test_x.py is not in claims.yaml"]
    assert faults({"F-01": {"claim": "x"}}, [test]) == [
        "F-01 has tests: 'how' must be one of construction, emerging, both"
    ]
    argued = {"claim": "x", "how": "both", "status": ARGUED, "reason": "y"}
    assert faults({"F-01": argued}, [test]) == ["F-01 is argued away and has tests"]
    assert faults({"F-01": {"claim": "x", "how": "both", "tests": "z"}}, [test]) == ["F-01: unknown key 'tests'"]
    assert faults({"F-01": {"claim": "x", "status": "open"}}, []) == [
        "F-01: a status is 'argued away' or 'with the trials' and has a reason"
    ]
    assert faults({"F-01": {"claim": "x", "left": "y"}}, []) == [
        "F-01: 'left' is for what tests do not show, and there are none"
    ]


def test_names_and_texts_of_tests_are_read(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "tests" / "test_some.py"
    path.parent.mkdir()
    path.write_text(
        'def test_f01_f02_it_does() -> None:\n    """In\n    words.\n\n    More."""\n\n\n'
        "@pytest.mark.slow\ndef test_f03_slowly() -> None:\n    pass\n\n\n"
        '@claim("F-04 F-05 a statement", tumor())\ndef _(usual) -> bool:\n    return True\n\n\n'
        "def test_fog_lifts() -> None:\n    pass\n"
    )
    monkeypatch.setattr(register, "TESTS", path.parent)
    assert named_tests() == [
        Shown(("F-01", "F-02"), "tests/test_some.py", "it does. In words.", False),
        Shown(("F-03",), "tests/test_some.py", "slowly", True),
        Shown(("F-04", "F-05"), "tests/test_some.py", "a statement", False),
    ]
