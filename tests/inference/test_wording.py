"""Numbers in sentences."""

from __future__ import annotations

import pytest

from kmidi_lab.wording import short_of


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [(0.5367, 0.54, "0.537"), (0.42, 0.5, "0.42"), (1.0003, 1, "1.0003"), (0.4, 0.5, "0.40"), (float("nan"), 1, "nan")],
)
def test_what_misses_a_limit_is_told_as_another_number(value: float, limit: float, said: str) -> None:
    assert short_of(value, limit) == said
