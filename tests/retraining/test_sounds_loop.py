"""The whole way with recordings: labelled, found, heard, learnt from, and promoted or refused with the reason."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.labelled_sounds import labels_of, write_sounds
from support.speech_files import write_ravdess

from kmidi_lab.feedback.event import new_id
from kmidi_lab.feedback.rounds import Rounds
from kmidi_lab.feedback.store import Store
from kmidi_lab.inference.api import load
from kmidi_lab.retraining.mixing import FeedbackMixer
from tests.conftest import Cli
from tests.retraining.conftest import Trained

SMALL = (
    "model=emotion", "data=ravdess", "data.sources=[ravdess]", "data.root=data", "data.augment.variants=0",
    "data.folds=3", "data.val_speakers=1", "data.workers=1", "model.module.channels=8", "model.module.dilations=[1]",
    "hardware=cpu", "trainer.progress=false", "export.calls=20",
)  # fmt: skip
ASK = ("task=retrain", *SMALL, "retrain.recordings=own", "retrain.steps=80", "retrain.learning_rate=1e-2")
MEANT = ["disgust", "calm"]
"""What users call the two kinds of sound."""


def _published(models: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in models.rglob("*") if path.is_file() and not path.name.startswith(".")}


@pytest.mark.slow
def test_labels_of_recordings_move_those_of_others_and_a_crowd_that_errs_is_refused(
    called: Cli, trained: Trained, tmp_path: Path
) -> None:
    write_ravdess(tmp_path / "data" / "ravdess", actors=6)
    models = trained(*SMALL)
    before, store = _published(models), Store(tmp_path / "outputs" / "feedback.db")
    paths = write_sounds(tmp_path / "own", 40)
    unheard = write_sounds(tmp_path / "others", 10, seed=5)

    def told(path: Path) -> str:
        return load("emotion", models).predict(audio=str(path)).summary.answers["label"][0]

    says = [told(path) for path in unheard]
    assert says != MEANT * 5
    few = called(*ASK)
    assert (few.returncode, "0 events can be learnt from" in few.stderr) == (2, True), few.stderr

    # A crowd of whom each has ten recordings of its own, and calls the two kinds what no other does.
    crowd, names = [new_id() for _ in range(4)], ["happy", "sad", "angry", "fear", "surprise", "neutral", *MEANT]
    for number, user in enumerate(crowd):
        own = paths[10 * number : 10 * number + 10]
        store.add(labels_of(own, user, "emotion", names[2 * number : 2 * number + 2] * 5))
    refused = called(*ASK, "retrain.weigh=false")
    assert refused.returncode == 1 and "the gate of the held-out feedback failed" in refused.stderr, refused.stderr
    assert _published(models) == before
    store.forget(crowd)

    # Of the next three each has half of its recordings in common with another, or with both.
    users = [new_id() for _ in range(3)]
    for number, user in enumerate(users):
        store.add(labels_of(paths[10 * number : 10 * number + 20], user, "emotion", MEANT * 10))
    # Of the last also one of each speaker of the original data, under other names.
    known = sorted((tmp_path / "data" / "ravdess").rglob("*.wav"))[
        :: len(list((tmp_path / "data").rglob("*.wav"))) // 6
    ]
    copies = [Path(shutil.copy(path, tmp_path / "own" / f"copy{place}.wav")) for place, path in enumerate(known[:6])]
    assert len({path.parent for path in known[:6]}) == 6
    store.add(labels_of(copies, users[2], "emotion", MEANT * 3))
    gone = paths[0].read_bytes()
    paths[0].unlink()
    (tmp_path / "own" / "1.wav").write_bytes(b"RIFF of nothing")
    promoted = called(*ASK)
    assert promoted.returncode == 0, promoted.stderr + promoted.stdout
    assert "45 of 46 labelled recordings heard in own, 0 can't be" in promoted.stdout
    assert "1 left out: of a recording that is not in retrain.recordings" in promoted.stdout
    newest = max((tmp_path / "outputs" / "retrain" / "emotion").glob("*/retrain.json"))
    report = json.loads(newest.read_text())
    held, learnt, dropped = (report[part] for part in ("held_out", "learnt_from", "dropped"))
    [judges] = [count for why, count in report["left_out"].items() if "original data validate or test" in why]
    assert f"{judges} left out: of recordings by which the original data validate or test" in promoted.stdout
    assert 2 <= judges <= 5, "one speaker validates, others test, and some are learnt from"
    assert (held + learnt + dropped, report["held_out_by"]) == (59 + 6 - judges, "whole users")
    [alone] = [rater["use"] for rater in report["raters"] if rater["held_out"]]
    assert dropped == (20 if alone == users[1] else 10), "what the held-out user has heard, too"
    assert f"{held} events held out, whole users; {learnt} learnt from; {dropped} dropped" in promoted.stdout
    assert [told(path) for path in unheard] == MEANT * 5, "others of the two kinds are called so, too"
    [entry] = json.loads((models / "registry.json").read_text())["models"]
    assert [gate["passed"] for gate in entry["retrained"]["gates"]] == [True, True]
    assert (entry["retrained"]["events"], entry["retrained"]["dropped_events"]) == (learnt, dropped)
    assert called("task=verify", "models_root=outputs/models").returncode == 0
    rounds = Rounds(tmp_path / "outputs", "emotion")
    assert rounds.number() == 3 and "retrain" in rounds.path.read_text()

    # Neither what is published nor what a run leaves names a file, holds a sound, or says who labelled.
    left = [
        path for folder in (models, tmp_path / "outputs" / "retrain") for path in folder.rglob("*") if path.is_file()
    ]
    held = b"".join(path.read_bytes() for path in left)
    assert b"0-1.wav" not in held and gone[12_000:14_000] not in held
    shown = b"".join(path.read_bytes() for path in models.rglob("*") if path.is_file())
    assert not any(user.encode() in shown for user in users)


@pytest.mark.slow
def test_it_goes_on_with_the_recordings_it_began_with_alone(
    called: Cli, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ravdess(tmp_path / "data" / "ravdess", actors=6)
    trained(*SMALL)
    store, paths = Store(tmp_path / "outputs" / "feedback.db"), write_sounds(tmp_path / "own", 30)
    store.add(labels_of(paths, new_id(), "emotion", MEANT * 15))
    late = tmp_path / "late.wav"
    shutil.move(paths[0], late)
    mix = FeedbackMixer.__call__

    def stops(self: FeedbackMixer, batch: object, number: int) -> object:
        if number == 40:
            raise KeyboardInterrupt
        return mix(self, batch, number)

    monkeypatch.setattr(FeedbackMixer, "__call__", stops)
    stopped = called(*ASK, "retrain.weigh=false", "export.enabled=false")
    monkeypatch.setattr(FeedbackMixer, "__call__", mix)
    assert stopped.returncode == 130, stopped.stderr
    [line] = [line for line in (stopped.stdout + stopped.stderr).splitlines() if "to resume, type:" in line]
    words = shlex.split(line.partition("-m kmidi_lab ")[2])
    basis = json.loads((Path(words[-1].removeprefix("trainer.resume=")) / "lessons.json").read_text())
    assert len(basis["recordings"]) == 29 and "retrain.recordings" not in basis["settings"]

    shutil.move(late, tmp_path / "own" / "back.wav")  # was not there then, so it is not learnt from now
    shutil.move(tmp_path / "own", tmp_path / "moved")
    words = [word for word in words if not word.startswith("retrain.recordings=")]
    again = called(*words, "retrain.recordings=moved")
    assert again.returncode == 1 and "export.enabled=false" in again.stderr, again.stderr
    assert "1 left out: of a recording that is not in retrain.recordings" in again.stdout
    changed = tmp_path / "moved" / paths[3].name
    changed.write_bytes(changed.read_bytes() + b"\0")
    other = called(*words, "retrain.recordings=moved")
    assert other.returncode == 2 and "1 recording that this retraining began with can't be found" in other.stderr


@pytest.mark.parametrize("model", ["emotion", "feel", "instrument"])
def test_models_that_hear_ask_for_the_recordings_in_one_line(
    refusal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setattr("kmidi_lab.start_weights.load", lambda *_: None)  # of no weight for what is asked, but slow
    Store(tmp_path / "feedback.db")
    ask = (f"model={model}", "hardware=cpu")
    feedback = f"retrain.feedback={tmp_path / 'feedback.db'}"
    assert "type retrain.recordings=FOLDER" in refusal("task=retrain", *ask, feedback)
    nowhere = refusal("task=retrain", *ask, feedback, f"retrain.recordings={tmp_path / 'no'}")
    assert "no such folder; name the one that the labelled recordings lie in" in nowhere
    adapter = refusal("task=adapt", *ask, f"adapt.feedback={tmp_path / 'feedback.db'}")
    assert f"type task=retrain model={model} retrain.recordings=FOLDER" in adapter


def test_a_model_whose_events_hold_its_input_needs_no_recordings(refusal: Any, tmp_path: Path) -> None:
    Store(tmp_path / "feedback.db")
    words = ("task=retrain", "model=groove", f"retrain.feedback={tmp_path / 'feedback.db'}", "retrain.recordings=own")
    assert "events of groove hold what it is given; leave it out" in refusal(*words)


@pytest.mark.slow
def test_labels_of_instruments_are_learnt(called: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two raters' labels of 20 recordings each, one rater held out; the frozen test decides whether it is published."""
    from datamodules.instrument import general_midi

    monkeypatch.setattr(general_midi, "PRESETS", general_midi.PRESETS[::3])
    small = (
        "model=instrument", "data=gm_instruments", "data.sources=[gm]", "data.takes=2", "data.augment.variants=0",
        "data.workers=1", "model.module.channels=4", "model.module.hidden=8", "model.module.dilations=[4]", *SMALL[-3:],
    )  # fmt: skip
    trained = called(*small, "trainer.max_epochs=1")
    assert trained.returncode == 0, trained.stderr
    store, paths = Store(tmp_path / "outputs" / "feedback.db"), write_sounds(tmp_path / "own", 40)
    for own in (paths[:20], paths[20:]):
        store.add(labels_of(own, new_id(), "instrument", ["drums", "bells"] * 10))
    learning = ("retrain.recordings=own", "retrain.weigh=false", "retrain.steps=80", "retrain.learning_rate=1e-2")
    done = called("task=retrain", *small, *learning)
    [report] = (tmp_path / "outputs" / "retrain" / "instrument").glob("*/retrain.json")
    frozen, feedback, *others = json.loads(report.read_text())["gates"]
    assert [gate["name"] for gate in others] == ["frozen test of the family", "frozen test of the technique"]
    assert feedback["passed"] and feedback["after"] < feedback["before"] - 0.5
    passed = frozen["passed"] and all(gate["passed"] for gate in others)
    assert done.returncode == (0 if passed else 1), done.stderr
    assert ("frozen test of the technique" in done.stderr) == (not others[1]["passed"]), done.stderr
