"""The harmony evaluator on the embedded progressions."""

from __future__ import annotations

import numpy as np
import pytest
from support.declared_metrics import assert_declared
from support.item_checks import assert_items

from datamodules.harmony.module import ChordSongs
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.errors import DataError
from kmidi_lab.models.harmony.evaluation import HarmonyEvaluator
from kmidi_lab.models.harmony.module import HarmonyPredictor
from kmidi_lab.scoring.metrics import log_likelihoods


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ChordSongs:
    module = ChordSongs("", str(tmp_path_factory.mktemp("cache")), sources=["embedded"], progress=False)
    module.setup("fit")
    module.setup("test")
    return module


def test_model_and_baselines_stand_beside_each_other_source_by_source(data: ChordSongs) -> None:
    module = HarmonyPredictor()
    evaluator = HarmonyEvaluator()
    result = evaluator(numpy_call(module.export_network()), module.head(), data, "test", data)
    assert_declared(evaluator, result)
    assert_items(evaluator, numpy_call(module.export_network()), module.head(), data, result, "nll")
    assert list(result.metrics) == ["test", "test/embedded"]
    assert result.metrics["test"] == result.metrics["test/embedded"]
    assert result.metrics["test"]["events"] == len(data.encoded("test").joint)
    assert set(result.baselines["test/embedded"]) - set(result.baselines["test"]) == {"4-gram+cache of embedded only"}
    told = evaluator.verdict(result, "test")
    assert told["metric"] == "perplexity" and [t["metric"] for t in told["also"]] == ["top1"]


def test_a_model_that_is_sure_of_nothing_has_the_perplexity_of_a_die_with_96_faces(data: ChordSongs) -> None:
    head = {"weight": np.zeros((96, 28)), "bias": np.zeros(96)}
    result = HarmonyEvaluator()(lambda x: np.zeros((len(x), 64)), head, data, "test", data)
    assert result.metrics["test"]["perplexity"] == pytest.approx(96)
    assert result.metrics["test"]["nll"] == pytest.approx(-log_likelihoods(np.full((1, 96), 1 / 96), np.zeros(1, int)))


def test_an_empty_split_is_said(data: ChordSongs) -> None:
    class Empty:
        def sequences(self, split: str) -> list[object]:
            return []

    with pytest.raises(DataError, match="holds no songs"):
        HarmonyEvaluator()(lambda x: x, {}, Empty(), "test", data)
