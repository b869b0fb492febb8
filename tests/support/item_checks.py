"""What holds for the items of every evaluator: named as the data name them, scored as the whole is, and drawn."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from kmidi_lab.report.item_pictures import svg
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator
from kmidi_lab.scoring.heard import MOST, SECONDS, HeardItem
from kmidi_lab.scoring.items import Roll, worst


def assert_items(
    evaluator: Evaluator, call: Any, head: Any, data: Any, result: Evaluation, mean: str | None = None
) -> None:
    """On the split `test`; `mean` is the metric that their losses make up, each by its events."""
    items = list(evaluator.items(call, head, data, "test"))
    assert 0 < len(items) <= len(data.songs("test"))
    assert all(item.events > 0 and np.isfinite(item.loss) for item in items)
    if mean:
        whole = np.average([item.loss for item in items], weights=[item.events for item in items])
        assert whole == pytest.approx(result.metrics["test"][mean], rel=1e-4)
    losses = [item.loss for item in worst(items)]
    assert losses == sorted(losses, reverse=True)
    for item in worst(items, 3):
        picture = item.picture()
        root = ElementTree.fromstring(svg(picture, item.name))
        assert root.get("aria-label") == item.name
        if isinstance(picture, Roll):
            count = len(picture.start)
            assert count == len(picture.length) == len(picture.row) == len(picture.error) >= item.events
            assert picture.row.min() >= 0 and picture.row.max() < len(picture.rows)
            assert np.isfinite(picture.error).any() and (picture.length > 0).all()


def assert_heard(evaluator: Evaluator, call: Any, head: Any, data: Any, versions: tuple[str, ...]) -> list[HeardItem]:
    """On the split `test`: few items, each in the same notes' count by all versions, and again the same when asked
    again.
    """
    items = list(evaluator.heard(call, head, data, "test"))
    assert 0 < len(items) <= MOST
    again = list(evaluator.heard(call, head, data, "test"))
    for item, same in zip(items, again, strict=True):
        assert tuple(item.versions) == versions
        counts = {len(part) for v in item.versions.values() for part in (v.start, v.length, v.pitch, v.velocity)}
        assert len(counts) == 1 and counts.pop() >= 12
        for by, notes in item.versions.items():
            assert all(np.isfinite(part).all() for part in (notes.start, notes.length, notes.pitch, notes.velocity))
            assert (notes.length >= 0).all() and notes.start.min() > -0.2 and notes.start.max() < SECONDS + 4, by
            assert (notes.start == same.versions[by].start).all() and (notes.pitch == same.versions[by].pitch).all()
        heard = [[part.tolist() for part in (v.start, v.length, v.pitch, v.velocity)] for v in item.versions.values()]
        assert all(heard[i] != heard[j] for i in range(len(heard)) for j in range(i)), "versions differ"
    return items
