"""A retraining that was stopped goes on with one command, and ends as one that was not stopped."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import torch
from support.called import Cli
from support.chord_answers import events_of_user

from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback.event import Event, new_id
from kmidi_lab.feedback.store import Store
from kmidi_lab.retraining.going_on import Basis, events_again
from kmidi_lab.retraining.mixing import FeedbackMixer
from tests.retraining.conftest import Trained

DATA = ("data.sources=[embedded]", "hardware=cpu", "trainer.progress=false", "export.calls=20")
ASK = ("task=retrain", "model=harmony", *DATA, "retrain.steps=60", "retrain.learning_rate=3e-3")


@pytest.mark.slow
def test_a_stopped_one_goes_on_as_an_unbroken_one(
    called: Cli, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained("model=harmony", *DATA)
    store, users = Store(tmp_path / "outputs" / "feedback.db"), [new_id(), new_id()]
    for seed, user in enumerate(users):
        store.add(events_of_user(tmp_path, user, 40, seed, suited=True))
    prepared = _counted(monkeypatch)
    called(*ASK, "export.enabled=false")
    assert prepared == ["prepared"], "once"
    whole = _last_weights(tmp_path)

    def stops(self: FeedbackMixer, batch: object, number: int) -> object:
        if number == 40:
            raise KeyboardInterrupt
        return mix(self, batch, number)

    mix = FeedbackMixer.__call__
    monkeypatch.setattr(FeedbackMixer, "__call__", stops)
    stopped = called(*ASK, "export.enabled=false")
    monkeypatch.setattr(FeedbackMixer, "__call__", mix)
    assert stopped.returncode == 130
    [line] = [line for line in (stopped.stdout + stopped.stderr).splitlines() if "to resume, type:" in line]
    words = shlex.split(line.partition("-m kmidi_lab ")[2])
    folder = Path(words[-1].removeprefix("trainer.resume="))
    assert json.loads((folder / "lessons.json").read_text())["settings"]["retrain.steps"] == 60

    store.add(events_of_user(tmp_path, new_id(), 30, 9, suited=False))
    drawn: list[int] = []
    monkeypatch.setattr(
        FeedbackMixer, "__call__", lambda self, batch, number: (drawn.append(number), mix(self, batch, number))[1]
    )
    again = called(*words)
    assert again.returncode == 1 and "export.enabled=false" in again.stderr, again.stderr
    assert drawn == list(range(25, 60)), "on from the last checkpoint"
    assert all(torch.equal(whole[name], values) for name, values in _last_weights(tmp_path).items())

    other = called(*words, "retrain.share=0.2")
    assert other.returncode == 2 and "began with retrain.share=0.3, not 0.2; type that" in other.stderr
    store.forget([users[0]])
    gone = called(*words)
    assert gone.returncode == 2 and "40 events of it can no longer be learnt from" in gone.stderr


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of every preparing of the data a word."""
    from datamodules.harmony import library

    times: list[str] = []
    load = library.load
    monkeypatch.setattr(library, "load", lambda *a, **k: (times.append("prepared"), load(*a, **k))[1])
    return times


def _last_weights(root: Path) -> dict[str, torch.Tensor]:
    folder = max((root / "outputs" / "retrain" / "harmony").iterdir())
    weights: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return weights


def test_it_goes_on_with_what_it_began_with_alone(tmp_path: Path) -> None:
    events = [Event(use=new_id(), model="harmony", action="accepted") for _ in range(3)]
    settings = {"retrain.share": 0.3, "seed": 1}
    Basis("a" * 64, settings, [event.event for event in events[:2]]).write(tmp_path)
    assert events_again(str(tmp_path), "a" * 64, settings, events[::-1]) == events[:2]
    assert events_again(str(tmp_path / "checkpoints" / "last.ckpt"), "a" * 64, settings, events) == events[:2]
    with pytest.raises(ConfigError, match="another model has been published since"):
        events_again(str(tmp_path), "b" * 64, settings, events)
    with pytest.raises(ConfigError, match="began with seed=1, not 2"):
        events_again(str(tmp_path), "a" * 64, settings | {"seed": 2}, events)
    with pytest.raises(DataError, match="1 event of it can no longer"):
        events_again(str(tmp_path), "a" * 64, settings, events[1:])
    for damaged in (b"{", b"[]", b"{}"):
        (tmp_path / "lessons.json").write_bytes(damaged)
        with pytest.raises(ConfigError, match="no retraining that can go on"):
            events_again(str(tmp_path), "a" * 64, settings, events)
