"""Models of an earlier version of a contract are asked, scored and checked as they were made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kmidi_lab import load
from kmidi_lab.chords.chart import read_chart
from kmidi_lab.contracts import CONTRACTS, HARMONY
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.published import Published
from kmidi_lab.models.harmony.features import context_vector
from kmidi_lab.models.harmony.memory import memory_of
from kmidi_lab.verify.folder import verify_folder

SONG = "C F C F C G C F C G Am C"


def test_versions_are_found_and_others_refused() -> None:
    assert HARMONY.at("1").version == "1"
    assert HARMONY.at(2) is HARMONY
    with pytest.raises(ConfigError, match=r"version '7' of its contract, and this kmidi_lab knows 1, 2"):
        HARMONY.at("7")


def test_an_earlier_version_has_the_sizes_and_names_of_today() -> None:
    for contract in CONTRACTS.values():
        for was in contract.earlier:
            assert (was.model, was.id, was.input_size, was.output_size) == (
                contract.model,
                contract.id,
                contract.input_size,
                contract.output_size,
            )


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_published_model_gets_the_inputs_that_it_was_trained_on(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    root = Path(shutil.copytree(repo / "outputs" / "release_mit", tmp_path / "models"))
    registry = json.loads((root / "registry.json").read_text())
    [entry] = [e for e in registry["models"] if e["id"] == HARMONY.id]
    entry["contract_version"] = version
    (root / "registry.json").write_text(json.dumps(registry))
    inputs, own_call = [], Published.call
    monkeypatch.setattr(Published, "call", lambda self, x: inputs.append(x) or own_call(self, x))
    load("harmony", root).predict(chords=SONG, key="C")
    chart, memory = read_chart(SONG, "C"), memory_of(HARMONY.at(version))
    for event in chart.events:
        memory.append(event.chord, event.start)
    wanted = context_vector(memory, chart.spelling.key, None, None, chart.events[-1].bars)
    assert np.array_equal(inputs[0][0], wanted)


@pytest.mark.slow
def test_an_unknown_version_is_refused_in_one_line(repo: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(repo / "outputs" / "release_mit", tmp_path / "models"))
    registry = json.loads((root / "registry.json").read_text())
    for entry in registry["models"]:
        entry["contract_version"] = "9"
    (root / "registry.json").write_text(json.dumps(registry))
    with pytest.raises(ConfigError, match="knows 1, 2; update kmidi_lab"):
        load("harmony", root)
    assert {"contract_version"} <= {f.check for f in verify_folder(root, None).faults}
