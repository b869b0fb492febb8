"""The whole way of tempos: labelled, heard, learnt from, and promoted or refused with the reason."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.labelled_sounds import RATE, labels_of, write_rhythms

from kmidi_lab.feedback.event import new_id
from kmidi_lab.feedback.store import Store
from kmidi_lab.inference.published import load_published
from kmidi_lab.models.feel import baselines
from kmidi_lab.models.feel.contract import FEEL
from kmidi_lab.retraining import gates
from tests.conftest import Cli
from tests.retraining.conftest import Trained

SMALL = (
    "model=feel", "data=feel_rules", "data.amount=0.03", "data.frames=320", "data.workers=1", "data.progress=false",
    "model.module.channels=8", "model.module.value_channels=4", "model.module.dilations=[4,16]", "model.module.hidden=12",
    "hardware=cpu", "trainer.progress=false", "export.calls=20",
)  # fmt: skip
ASK = ("task=retrain", *SMALL, "retrain.recordings=own")
LEARN = ("retrain.steps=80", "retrain.learning_rate=3e-2")
TEMPOS = [70.0, 140.0]


@pytest.mark.slow
def test_tempos_are_learnt_alone_and_a_crowd_that_errs_is_refused(
    called: Cli, cli: Cli, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr(secrets, "token_hex", lambda size: rng.bytes(size).hex())  # who is held out goes by their ids
    monkeypatch.setattr(baselines, "by_librosa", baselines.by_autocorrelation)  # it is compiled for half a minute
    models = trained(*SMALL)
    store, own = Store(tmp_path / "outputs" / "feedback.db"), tmp_path / "own"
    paths = write_rhythms(own, TEMPOS * 12)

    # What can't be learnt from is counted and told.
    bad = write_rhythms(own, [90.0] * 4, seed=1)
    labels = labels_of([*paths[:3], *bad], new_id(), "feel", ["70", "140", "45", "90", "90", "90", "90"])
    bad[0].unlink()
    bad[1].write_bytes(bad[1].read_bytes() + b"\0")
    soundfile.write(bad[2], np.zeros(5 * RATE), RATE)
    labels[5] = labels_of([bad[2]], labels[0].use, "feel", ["90"])[0]
    [short] = write_rhythms(own, [90.0], seconds=1.0, seed=2)
    labels[6] = labels_of([short], labels[0].use, "feel", ["90"])[0]
    store.add(labels)
    few = cli(*ASK)
    assert few.returncode == 2 and "2 events can be learnt from by feel" in few.stderr, few.stderr
    for line in (
        "3 of 7 labelled recordings heard in own, 2 can't be",
        "2 left out: of a recording that can't be heard",
        "2 left out: of a recording that is not in retrain.recordings",
        "1 left out: without a tempo of 50 to 220 quarter notes a minute, which the model tells",
        "1-2.wav: silent",
        "2-0.wav: too short: ",
    ):
        assert line in few.stdout, (line, few.stdout)
    store.forget([labels[0].use])

    # A crowd of whom each has recordings of its own, and taps what no other does.
    crowd = [new_id() for _ in range(4)]
    for number, user in enumerate(crowd):
        said = ["55", "85", "130", "200"][number]
        store.add(labels_of(paths[6 * number : 6 * number + 6], user, "feel", [said] * 6))
    before = {path: path.read_bytes() for path in models.iterdir() if path.is_file()}
    refused = called(*ASK, *LEARN, "retrain.weigh=false")
    assert refused.returncode == 1 and "nothing was published: the gate of" in refused.stderr, refused.stderr
    assert before == {path: path.read_bytes() for path in before}
    store.forget(crowd)

    # Three who tap what is played; one of them taps four recordings of another at half or double.
    for number in range(3):
        store.add(labels_of(paths[8 * number : 8 * number + 8], new_id(), "feel", ["70", "140"] * 4))
    store.add(labels_of(paths[:4], new_id(), "feel", ["140", "70"] * 2))
    base = load_published(models, "feel")
    real = gates.not_worse  # by two pieces of the stand-in nobody can tell whether it is worse
    monkeypatch.setattr(gates, "not_worse", lambda *asked: replace(real(*asked), limit=99.0))
    done = called(*ASK, *LEARN)
    assert "4 recordings with labels of several users: in 4 the tempos are more than 4% apart, in 4 half or double" in (
        done.stdout
    )
    newest = max((tmp_path / "outputs" / "retrain" / "feel").glob("*/retrain.json"))
    _, feedback = json.loads(newest.read_text())["gates"]
    assert feedback["passed"] and feedback["after"] < feedback["before"] - 0.2
    assert done.returncode == 0, done.stderr + done.stdout
    after = load_published(models, "feel")
    assert base is not None and after is not None and after.entry["exports"] != base.entry["exports"]
    x = np.random.default_rng(0).normal(0, 1, (40, 128)).astype(np.float32)
    said = [np.stack([one.model(frame) for frame in x]) for one in (base, after)]
    kept = [s for s in FEEL.outputs if s.name not in ("tempo", "confidence")]
    assert all(np.allclose(said[0][:, s.index], said[1][:, s.index], atol=1e-5) for s in kept)
    assert not np.allclose(said[0][:, :32], said[1][:, :32], atol=0.1)
