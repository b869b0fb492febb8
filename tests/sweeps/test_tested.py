"""Which jobs of a sweep are tested where the user does not say."""

from __future__ import annotations

import pytest

from kmidi_lab import cli, config


@pytest.mark.parametrize(
    ("words", "tested"),
    [
        (["model.module.dropout=0.1,0.2"], "chosen"),
        (["seed=1,2"], "all"),
        (["model.module.dropout=0.1,0.2", "sweep.rank_by=test"], "all"),
    ],
)
def test_a_ranking_by_test_tests_all(words: list[str], tested: str) -> None:
    assert cli._tested(config.check(["model=harmony", *words], True)) == tested
