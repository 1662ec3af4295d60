"""Values by genotype follow the clone table: as it grows, is pruned, is read back, or is another one."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorabm.tissue.clones import Clones
from tumorabm.tissue.genotypes import ByGenotype


def table(*genotypes: tuple[str, ...]) -> Clones:
    clones = Clones()
    for row, genotype in enumerate(genotypes):
        clones.add(f"c{row}", genotype)
    return clones


def counted() -> tuple[ByGenotype[str], list[tuple[str, ...]]]:
    """Values that are the genotypes as text, and the genotypes that were worked out."""
    asked: list[tuple[str, ...]] = []

    def text(genotype: tuple[str, ...]) -> str:
        asked.append(genotype)
        return "+".join(genotype)

    return ByGenotype(text), asked


def values_of(values: ByGenotype[str], clones: Clones) -> list[str]:
    return [values.values[place] for place in values.places(clones).tolist()]


def test_each_genotype_is_worked_out_once_whatever_its_order() -> None:
    values, asked = counted()
    clones = table(("b", "a"), (), ("a", "b"))
    assert values_of(values, clones) == ["a+b", "", "a+b", ""]
    clones.add("c3", ("a",), 1)
    clones.add("c4", ("b", "a"), 3)
    assert values_of(values, clones) == ["a+b", "", "a+b", "a", "a+b", ""]
    assert sorted(asked) == [(), ("a",), ("a", "b")]
    places = values.places(clones)
    assert places[0] == places[2] == places[4], "they are followed together"
    assert values[("b", "a")] == "a+b" and len(asked) == 3


def test_cells_without_a_clone_have_no_alterations() -> None:
    values, _ = counted()
    places = values.places(table(("a",)))
    assert values.values[places[np.array([-1])][0]] == ""


def test_what_is_wrong_with_a_known_genotype_shows_at_once() -> None:
    def refuse(genotype: tuple[str, ...]) -> None:
        raise ValueError(f"no {genotype}")

    with pytest.raises(ValueError, match="no"):
        ByGenotype(refuse, [("a",)])


GENOTYPES = st.lists(st.lists(st.sampled_from("abcd"), unique=True).map(tuple), max_size=12)


@settings(deadline=None, max_examples=60)
@given(GENOTYPES, st.lists(GENOTYPES, max_size=3), st.data())
def test_it_follows_the_table(first, more, data) -> None:
    values, asked = counted()
    clones = table(*first)
    for genotypes in more:
        assert values_of(values, clones) == [*map(joined, clones.alterations), ""]
        for genotype in genotypes:
            clones.add(f"c{len(clones)}-{data.draw(st.integers(0, 2**60))}", genotype)
        other = copy.deepcopy(clones)
        assert values_of(values, clones) == [*map(joined, clones.alterations), ""]
        clones.keep(
            np.array(data.draw(st.lists(st.booleans(), min_size=len(clones), max_size=len(clones))), dtype=bool)
        )
        assert values_of(values, clones) == [*map(joined, clones.alterations), ""]
        assert values_of(values, other) == [*map(joined, other.alterations), ""]
        clones.load(other.state())
        assert values_of(values, clones) == [*map(joined, clones.alterations), ""]
    assert len(asked) == len(set(asked))


def joined(genotype: tuple[str, ...]) -> str:
    return "+".join(sorted(genotype))
