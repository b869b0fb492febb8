"""A model that is trained on nearly all speakers takes from its folds how sure it may be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.speech_files import write_ravdess

from tests.conftest import Cli

SMALL = (
    "model=emotion", "data=ravdess", "data.sources=[ravdess]", "data.augment.variants=0", "data.val_speakers=1",
    "data.workers=1", "model.module.channels=4", "model.module.dilations=[1]", "trainer.max_epochs=1",
)  # fmt: skip


@pytest.mark.slow
def test_a_release_is_as_sure_as_its_folds_allow(called: Cli, tmp_path: Path) -> None:
    write_ravdess(tmp_path / "data" / "ravdess", actors=6)
    ours = {"DATA_ROOT": str(tmp_path / "data")}
    own = "data.fold_speakers=[[actor 01,actor 04],[actor 02,actor 03],[actor 06]]"
    done = called("-m", *SMALL, own, "data.fold=0,1,2", "export.enabled=false", env=ours)
    assert done.returncode == 0 and "over 3 folds" in done.stdout, done.stderr + done.stdout
    [sweep] = (tmp_path / "outputs/sweeps").iterdir()
    done = called(*SMALL, "data.folds=0", "export.enabled=false", env=ours)
    assert done.returncode == 0, done.stderr + done.stdout
    [run] = (tmp_path / "outputs/runs/emotion").iterdir()

    def exported(name: str, *more: str) -> tuple[np.ndarray, str]:
        ask = ("task=export", "model=emotion", f"export.source={run}", f"models_root={name}", "export.calls=20", *more)
        done = called(*ask, env=ours)
        assert done.returncode == 0, done.stderr + done.stdout
        head = json.loads((tmp_path / name / "emotionrecognizer.head.json").read_text())
        return np.array(head["bias"]), (tmp_path / name / "emotionrecognizer.card.md").read_text()

    bias = torch.load(run / "checkpoints/best.ckpt", weights_only=True)["state_dict"]["label.bias"].numpy()
    alone, plain = exported("alone")
    scaled, card = exported("released", f"export.spread={sweep}")
    assert "How sure the labels are" not in plain
    assert "of the 40 test clips of 3 folds" in card  # of five actors: one is in no fold
    # What the folds' records say is scored anew on demand, by their own weights and in recording conditions, too.
    before = [json.loads((sweep / job / "run.json").read_text()) for job in "012"]
    wrong = {**before[1], "scores": {**before[1]["scores"], "metrics": {"test": {"uar": 0.99, "events": 1}}}}
    (sweep / "1/run.json").write_text(json.dumps(wrong))
    done = called("task=eval", "model=emotion", f"eval.sweep={sweep}", "data.conditions=true", env=ours)
    assert done.returncode == 0 and "3 jobs of" in done.stdout, done.stderr + done.stdout
    for job, old in zip("012", before, strict=True):
        run = json.loads((sweep / job / "run.json").read_text())
        own, was = run["scores"]["metrics"]["test"], old["scores"]["metrics"]["test"]
        assert {name: own[name] for name in was} == pytest.approx(was)
        assert run["identity"] == old["identity"] and "uar_room_tone_around" in own and "uar_hum" not in was
    assert f"{before[1]['scores']['metrics']['test']['uar']:.3f}" in (sweep / "leaderboard.csv").read_text()
    for head in (alone, scaled):
        assert np.ptp(head / bias) < 1e-3 * abs(head / bias).max()
