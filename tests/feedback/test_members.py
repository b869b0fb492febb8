"""Several answers to one question: members of a committee, and draws of dropout."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError
from kmidi_lab.feedback.material import Item, ranked
from kmidi_lab.inference.published import release_root
from kmidi_lab.inference.questions import Guess, Question
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.registry.versions import succeed

LINES = ("I am so happy today", "He never came home and I cry", "The bus leaves at nine", "What a disgusting lie")


@pytest.fixture(autouse=True)
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture `job` starts no Hydra, which the choice of a models folder asks."""
    monkeypatch.setattr("kmidi_lab.tasks.asking.models_root", lambda *_: release_root())


def test_what_members_dispute_comes_first() -> None:
    agreed, disputed = np.tile([0.5, 0.5], (2, 1)), np.array([[1.0, 0.0], [0.0, 1.0]])
    guesses = [Guess(np.full(2, i, np.float32), np.full(2, 0.5), ["a", "b"]) for i in range(2)]
    items = [
        Item(Question("a" * 64), "agreed", guesses[0], votes=agreed),
        Item(Question("b" * 64), "disputed", guesses[1], votes=disputed),
    ]
    assert [i.source for i in ranked(items, "committee", 2)] == ["disputed", "agreed"]
    assert [round(i.score, 3) for i in ranked(items, "bald", 2)] == [0.693, 0.0]


@pytest.mark.slow
def test_dropout_and_committee_rank_a_folder_or_are_refused(job, refusal, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("\n".join(LINES))
    task = ("task=queue", f"data.root={folder}")

    def scores(*more: str) -> list[float]:
        job(*task, *more)
        return [float(row["score"]) for row in csv.DictReader((tmp_path / "queue.csv").open())]

    charts = tmp_path / "charts"
    charts.mkdir()
    (charts / "a.txt").write_text("C | Am | Dm7 | G7 | C | Gb7")
    by_dropout = ("model=harmony", "queue.by=bald", f"data.root={charts}")
    first = scores(*by_dropout)
    assert len(first) == 4 and all(s > 0 for s in first), "draws differ"
    rows = re.findall(r"^  \d\.\d{4}  .*", capsys.readouterr().out, re.MULTILINE)
    assert len(rows) == 4 and all(re.search(r" \d+%$", row) for row in rows), rows
    assert first == scores(*by_dropout), "the seed decides"
    assert "has no dropout" in refusal(task[0], *by_dropout, "model.module.dropout=0.0")
    by_texts = scores("model=intent", "queue.by=bald")
    assert len(by_texts) == 4 and max(by_texts) > 0, "the release's own weights are read back"
    assert "queue.checkpoint=" in refusal(*task, "model=intent", "queue.by=bald", f"queue.checkpoint={folder}")
    assert "keeps no earlier version" in refusal(*task, "model=intent", "queue.by=committee")
    assert "has no intent model" in refusal(*task, "model=intent", "queue.by=committee", f"queue.members=[{folder}]")
    other = tmp_path / "other"
    shutil.copytree(release_root() or Path(), other)
    assert scores("model=intent", "queue.by=committee", f"queue.members=[{other}]") == [0.0] * 4, "twins agree"
    with pytest.raises(ConfigError, match="needs task=queue"):
        job("task=label", "model=intent", "label.page=true", "label.by=bald", f"data.root={folder}")


@pytest.mark.slow
def test_a_committee_of_the_versions_that_the_registry_keeps(job, refusal, tmp_path: Path, monkeypatch) -> None:
    root, contract = tmp_path / "models", CONTRACTS["intent"]
    shutil.copytree(release_root() or Path(), root)
    version = _publish_another(root, contract.id)
    monkeypatch.setattr("kmidi_lab.tasks.asking.models_root", lambda *_: root)
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("\n".join(LINES))
    words = ("task=queue", "model=intent", "queue.by=committee", f"data.root={folder}")
    job(*words)
    scores = [float(row["score"]) for row in csv.DictReader((tmp_path / "queue.csv").open())]
    assert len(scores) == 4 and max(scores) > 0.01 and scores[0] == max(scores), "the two versions differ"

    kept = root / "history" / contract.id / version
    for file, said in ((contract.id + ".onnx", version), ("entry.json", version)):
        whole = (kept / file).read_bytes()
        (kept / file).write_bytes(whole[:-40])
        assert f"queue.by=committee: {said} can't be read" in refusal(*words)
        (kept / file).write_bytes(whole)


def _publish_another(root: Path, model: str) -> str:
    """Puts a network of other weights in the place of the published one, which is kept; returns the kept version."""
    registry = json.loads((root / "registry.json").read_text())
    place = next(i for i, entry in enumerate(registry["models"]) if entry["id"] == model)
    old = registry["models"][place] | {"history": []}
    graph = onnx.load(root / f"{model}.onnx")
    for values in graph.graph.initializer:
        array = numpy_helper.to_array(values)
        if array.dtype == np.float32 and array.ndim == 2:
            values.CopyFrom(numpy_helper.from_array(array * 0.5, values.name))
    data = graph.SerializeToString()
    sha = hashlib.sha256(data).hexdigest()
    new = json.loads(json.dumps(old))
    new["exports"]["onnx_sha256"], new["training"]["run_id"] = sha, "another"
    new["files"][f"{model}.onnx"] = {"sha256": sha, "bytes": len(data)}
    registry["models"][place], files = succeed(root, old, new, "better", keep=True)
    for name, held in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(held)
    (root / f"{model}.onnx").write_bytes(data)
    (root / "registry.json").write_text(json.dumps(registry))
    assert len(load_registry(root)["models"]) == len(registry["models"])
    return str(registry["models"][place]["history"][0]["version"])
