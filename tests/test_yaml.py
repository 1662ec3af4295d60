"""YAML with positions: reading, merging, setting."""

from __future__ import annotations

import pytest

from tumorabm import yaml
from tumorabm.errors import InputError, Problem, dotted, nearest

EMPTY = "is empty; leave the line out, or write null for what it is by default"


def read(text: str, file: str = "a.yaml") -> yaml.Document:
    return yaml.parse(text, file)


def test_values_are_those_of_yaml_1_2() -> None:
    data = read("a: 1e-9\nb: [1, 0x1F, 2.5, on, yes, true, ~]\nd: 2020-01-01\ne: 1_000\nf: '3'\non: 5 d\n").data
    assert data == {
        "a": 1e-9,
        "b": [1, 31, 2.5, "on", "yes", True, None],
        "d": "2020-01-01",
        "e": 1000,
        "f": "3",
        "on": "5 d",
    }


def test_positions() -> None:
    document = read("a: 1\nb:\n  - {c: 20 um}\n")
    assert document.positions[("b", 0, "c")] == yaml.Position("a.yaml", (3, 6), (3, 9))
    assert str(document.problem(("b", 0, "c"), "no")) == "a.yaml:3:9: b[0].c: no"
    assert str(document.problem(("b", 0, "c"), "no", at_key=True)) == "a.yaml:3:6: b[0].c: no"
    assert str(document.problem(("b", 0, "missing"), "no")) == "a.yaml:3:5: b[0].missing: no"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3:1: a: duplicate key 'a'"),
        ("a: {b: 1, b: 2}\n", "a.yaml:1:11: a.b: duplicate key 'b'"),
        ("a:\nb: ~\n", "a.yaml:1:1: a: is empty; leave the line out, or write null for what it is by default"),
        (
            "a: {b: , c: null}\n",
            "a.yaml:1:5: a.b: is empty; leave the line out, or write null for what it is by default",
        ),
        ("a: !x 3\n", "a.yaml:1:4: a: the tag '!x' is not used here"),
        ("a: [1\n", "a.yaml:2:1: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: *b\n", "a.yaml:1:4: not valid YAML: found undefined alias 'b'"),
        ("- 1\n", "a.yaml:1:1: holds a list, expected a mapping"),
        ("just text\n", "a.yaml:1:1: holds 'just text', expected a mapping"),
        ("# nothing\n", "a.yaml: is empty, expected a mapping"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert str(caught.value) == message


def test_all_duplicates_are_named() -> None:
    with pytest.raises(InputError) as caught:
        read("a: 1\na: 2\nb: 1\nb: 2\n")
    assert [problem.line for problem in caught.value.problems] == [2, 4]


def test_merge() -> None:
    below = read("a: {x: 1, y: 2}\nb: [1, 2]\nc: 3\nd: {z: 1}\n", "below.yaml")
    above = read("a: {y: 5, w: 6}\nb: [9]\nc: ~\nd: 4\n", "above.yaml")
    merged = yaml.merge(below, above)
    assert merged.data == {"a": {"x": 1, "y": 5, "w": 6}, "b": [9], "d": 4}
    assert merged.positions[("a", "x")].file == "below.yaml"
    assert merged.positions[("a", "y")].file == "above.yaml"
    assert ("b", 1) not in merged.positions
    assert ("d", "z") not in merged.positions
    assert below.data == {"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 3, "d": {"z": 1}}


def test_assign() -> None:
    document = read("a: {x: 1}\nb: [{c: 1}, {c: 2}]\n")
    yaml.assign(document, ("a", "y", "z"), 5, "--set")
    yaml.assign(document, ("b", 1, "c"), 7, "--set")
    yaml.assign(document, ("a", "x"), None, "--set")
    assert document.data == {"a": {"y": {"z": 5}}, "b": [{"c": 1}, {"c": 7}]}
    assert document.problem(("b", 1, "c"), "no").file == "--set"
    assert document.problem(("b", 0, "c"), "no").file == "a.yaml"


@pytest.mark.parametrize("path", [("b", 2, "c"), ("b", "x", "c"), ("b", 2)])
def test_assign_past_a_list(path: tuple[str | int, ...]) -> None:
    with pytest.raises(InputError):
        yaml.assign(read("b: [{c: 1}, {c: 2}]\n"), path, 1, "--set")


def test_dump_reads_back() -> None:
    data = {"b": 1, "a": [1, 2.5, {"x": "20 um"}], "t": "1 d", "s": "yes", "one": "1", "e": "1e-9", "flag": True}
    text = yaml.dump(data)
    assert read(text).data == data
    assert list(read(text).data) == list(data)


def test_nearest_and_dotted() -> None:
    assert nearest("diffusivty", ["diffusivity", "half_life"]) == "; did you mean 'diffusivity'?"
    assert nearest("xyz", ["a", "b"]) == "; expected one of a, b"
    assert nearest("xyz", [str(number) * 9 for number in range(40)]) == ""
    assert dotted(("treatment", 0, "dose")) == "treatment[0].dose"


def test_problems_survive_a_process_boundary() -> None:
    import pickle

    error = InputError([Problem("no", "a.b", "f.yaml", 1, 2)])
    again = pickle.loads(pickle.dumps(error))
    assert again.problems == error.problems
    assert str(again) == "f.yaml:1:2: a.b: no"
