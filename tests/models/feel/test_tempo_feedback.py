"""Recordings with a tempo as lessons: what is heard of them, what they teach, and what they leave alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from support.feel_songs import Data, batch_of, excerpt, perfect, small
from support.labelled_sounds import labels_of, write_rhythms
from torch.nn import functional as F

from kmidi_lab.audio.io import read_audio
from kmidi_lab.audio.level import levelled_sounds
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.contracts import FEEL
from kmidi_lab.feedback.event import Event, new_id
from kmidi_lab.inference.published import Published
from kmidi_lab.models.feel.decoding import (
    PLACES,
    beat_activation,
    repeats_of,
    tempo_chances,
    tempo_of_both,
    tempo_shares,
)
from kmidi_lab.models.feel.features import CALIBRATION, bin_of, bpm_of
from kmidi_lab.models.feel.feedback import TempoFeedback
from kmidi_lab.models.feel.module import AudioFeelAnalyzer
from kmidi_lab.models.feel.predict import HeardFeel
from kmidi_lab.nn.layer_rates import parameter_groups
from kmidi_lab.nn.streaming import TorchModel
from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.opening import TrainableRelease, lessons_of, listening
from kmidi_lab.retraining.raters import habit
from kmidi_lab.retraining.recordings import Recordings, hear

TRAINING = TempoFeedback()


@pytest.fixture(scope="module")
def released() -> TrainableRelease:
    """A small network that nobody trained."""
    module = small().eval()
    entry = {"exports": {}, "arch_hint": module.architecture}
    published = Published(FEEL, entry, {}, TorchModel(module.network))  # type: ignore[arg-type]
    return TrainableRelease(Path(), published, module, TRAINING)


@pytest.fixture(scope="module")
def rhythms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three that can be heard, a second of another, silence, and what is no sound."""
    folder = tmp_path_factory.mktemp("rhythms")
    write_rhythms(folder, [70.0, 100.0, 150.0])
    write_rhythms(folder, [120.0], seconds=1.0, seed=1)
    write_rhythms(folder, [1.0], seed=2)[0].write_bytes(b"RIFF of nothing")
    return folder


@pytest.fixture(scope="module")
def labelled(rhythms: Path) -> list[Event]:
    paths = sorted(rhythms.glob("*.wav"))
    return labels_of(paths, new_id(), "feel", ["70", "100", "150", "120", "60"])


@pytest.fixture(scope="module")
def heard(released: TrainableRelease, rhythms: Path, labelled: list[Event]) -> tuple[Recordings, list[str]]:
    lines: list[str] = []
    wanted = {event.item or "" for event in labelled}
    return hear(rhythms, wanted, listening(released, TRAINING, HeardFeel), lines.append), lines


def test_what_is_learnt_from_is_what_the_tempo_is_told_by(
    released: TrainableRelease, rhythms: Path, labelled: list[Event], heard: tuple[Recordings, list[str]]
) -> None:
    """The answer to a lesson is that of the whole network and of the decoder to what is heard from the first sound to the last."""
    found, lines = heard
    lessons = lessons_of(released, labelled, found)
    assert lessons.x.shape == (3, 24 + 256) and lessons.left_out == {"of a recording that can't be heard": 2}
    assert len(lines) == 2 and any("1-0.wav: too short: " in line and "4 s are needed" in line for line in lines)
    chances = tempo_chances(
        _softmax(TRAINING.outputs(released.module, lessons.x)), lessons.x[:, 24:].astype(np.float64)
    )
    for row, path in enumerate(sorted(rhythms.glob("0-*.wav"))):
        [sound] = levelled_sounds([log_mel(read_audio(path, RATE).astype(np.float32))])
        first, *_, last = np.flatnonzero(sound.counts)
        with torch.no_grad():
            outputs = released.module.network(torch.from_numpy(sound.frames[None, first : last + 1]))[0].numpy()
        activation = beat_activation(outputs[:, FEEL.output("beat").start])
        told = tempo_of_both(tempo_shares(outputs), activation)
        assert bpm_of(PLACES[np.argmax(chances[row])]) == pytest.approx(told, rel=1e-6)
        assert lessons.x[row, 24:] == pytest.approx(repeats_of(activation), abs=1e-3)


def _softmax(logits: np.ndarray) -> np.ndarray:
    p = np.exp(logits - logits.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


def test_labels_become_places_and_what_is_none_is_counted(
    released: TrainableRelease, labelled: list[Event], heard: tuple[Recordings, list[str]]
) -> None:
    found, _ = heard
    other = [
        Event(use=new_id(), model="feel", action="labelled", item=labelled[0].item, label=said)
        for said in ("45", "230", "nan", "allegro", "1e400")
    ]
    gone = Event(use=new_id(), model="feel", action="labelled", item="a" * 64, label="90")
    lessons = lessons_of(released, [*labelled[:3], *other, gone], found)
    assert [bpm_of(place) for place in lessons.targets[:, 0]] == pytest.approx([70, 100, 150])
    assert lessons.left_out == {
        "of a recording that is not in retrain.recordings": 1,
        "without a tempo of 50 to 220 quarter notes a minute, which the model tells": 5,
    }
    outputs = TRAINING.outputs(released.module, lessons.x)
    shares = _softmax(outputs)
    for row, place in enumerate(lessons.targets[:, 0]):
        by_hand = np.interp(PLACES, np.arange(32), shares[row]) + 1e-4
        by_hand = lessons.x[row, 24:] * by_hand**0.25
        near = np.array([abs(bpm_of(at) / bpm_of(place) - 1) <= 0.0401 for at in PLACES])
        loss = TRAINING.losses(outputs, {}, lessons.x, lessons.targets)[row]
        assert loss == pytest.approx(-np.log(by_hand[near].sum() / by_hand.sum()), abs=0.08)
    chance = TRAINING.by_chance(outputs, {}, lessons.x, lessons.targets, np.random.default_rng(0))
    assert chance == pytest.approx(13 / 256, abs=0.005)


def test_a_step_moves_the_tempo_and_nothing_else(released: TrainableRelease) -> None:
    """The loss is that of a batch whose other rows are the lessons; no other number of the network moves."""
    torch.manual_seed(0)
    settings = {"channels": 16, "dilations": [4, 16, 64], "hidden": 24, "tempo_alone": True, "weight_decay": 0.0}
    one = AudioFeelAnalyzer(**settings, dropout=0.0)  # type: ignore[arg-type]
    one.start_from(TRAINING.frozen(one), 1.0, True)
    one.train()
    one._freeze()
    own = batch_of([excerpt(120), excerpt(90, 1)])
    own = own._replace(tempo=torch.tensor([float(own.tempo[0]), torch.nan]))
    x = np.random.default_rng(0).normal(0, 1, (3, 24 + 256)).astype(np.float32)
    targets = np.array([[5.0], [12.0], [20.0]])
    mixed = TRAINING.below(own, TRAINING.batch(x, targets, own, np.random.default_rng(0)))
    assert mixed.heard.shape == (3, 24) and mixed.told.tolist() == [5, 12, 20] and TRAINING.size(mixed) == 2
    loss = one.training_step(mixed, 0)

    _, last = TRAINING.layers(one)
    bell = torch.exp(-((torch.arange(32) - torch.tensor([[5.0], [12.0], [20.0]])) ** 2) / (2 * 0.7**2))
    logits = last(torch.from_numpy(x[:, :24]))[:, :32]
    lessons = -(bell / bell.sum(1, keepdim=True) * F.log_softmax(logits, -1)).sum(1)
    first = one.training_step(own, 0)
    assert float(loss) == pytest.approx((float(first) + float(lessons.sum())) / 4, rel=1e-5)

    before = {name: values.clone() for name, values in one.state_dict().items()}
    optimizer = torch.optim.AdamW(parameter_groups(one, one.frozen, 0.1, 1.0), lr=0.1, weight_decay=one.weight_decay)
    loss.backward()
    optimizer.step()
    moved = {name for name, values in one.state_dict().items() if not torch.equal(values, before[name])}
    [layer] = TRAINING.adapted(one)
    assert moved == {f"{layer}.weight", f"{layer}.bias"}
    for name in moved:
        assert torch.equal(one.state_dict()[name][32:], before[name][32:]), "beats, onsets, density and confidence stay"


def test_values_that_stay_are_not_blended_again(monkeypatch: pytest.MonkeyPatch) -> None:
    songs = [replace(excerpt(100 + n, n), values={**excerpt(100 + n, n).values, "arousal": n / 30}) for n in range(24)]
    data = Data(val=songs[:2], **{CALIBRATION: songs})
    told = iter([*map(perfect, songs), *map(perfect, songs[:2])])
    for alone in (True, False):
        module = small()
        module.tempo_alone = alone
        told = iter([*(() if alone else map(perfect, songs)), *map(perfect, songs[:2])])
        before = module.network.get_submodule("2").weight.clone()  # type: ignore[union-attr]
        module.calibrate(lambda x, told=told: next(told)[None], data)
        assert torch.equal(module.network.get_submodule("2").weight, before) == alone  # type: ignore[arg-type]


def test_tempos_of_several_users_that_do_not_fit_are_told() -> None:
    """Of four recordings two users agree on one; on another one hears half, on a third neither."""
    tempos = [(100, 102), (80, 160), (90, 120), (70,)]
    rows = [(item, user, bin_of(tempo)) for item, told in enumerate(tempos) for user, tempo in enumerate(told)]
    x = np.array([[item] for item, _, _ in rows], np.float32)
    lessons = Lessons(x, np.array([[place] for *_, place in rows]), np.array([u for _, u, _ in rows]), ("a", "b"), {})
    assert TRAINING.remarks(lessons) == [
        "3 recordings with labels of several users: in 2 the tempos are more than 4% apart, in 1 half or double; each user's "
        "trust decides"
    ]
    assert TRAINING.remarks(lessons.rows(slice(2, 4)))[0].startswith(
        "1 recording with labels of several users: in 1 the"
    )
    assert TRAINING.remarks(lessons.rows(slice(0, 2))) == []
    assert TRAINING.remarks(Lessons(np.zeros((0, 1)), np.zeros((0, 0)), np.zeros(0, int), (), {})) == []


def test_one_tempo_for_everything_is_a_habit() -> None:
    """Of two users one types 120 or nearly so for all; the other's tempos differ, and two of the same kind are none."""
    told = [[118, 120, 120, 121, 122], [70, 71, 100, 150, 200]]
    places = np.array([[bin_of(tempo)] for user in told for tempo in user])
    lessons = Lessons(places, places, np.repeat([0, 1], 5), ("a", "b"), {})
    found = habit(TRAINING.allowed(places, {}), lessons)
    assert (found[:5] > 0.2).all() and (found[5:] <= 0).all()


def test_the_frozen_test_is_that_of_the_decoder_and_its_recordings_are_known() -> None:
    songs = [replace(excerpt(bpm, n), sound=np.full(9, n, np.int16)) for n, bpm in enumerate((80, 120))]
    beatless = replace(excerpt(100, 5), beats=np.zeros(0))
    data = Data(test=[*songs, beatless], val=[excerpt(90, 7)])
    right, wrong = [perfect(song) for song in songs], [perfect(excerpt(bpm)) for bpm in (160, 60)]

    def losses(outputs: list[np.ndarray]) -> np.ndarray:
        told: Iterator[np.ndarray] = iter(outputs)
        found, weights = TRAINING.test_losses(lambda x: next(told)[None], {}, data)
        assert weights.tolist() == [1, 1]
        return found

    none, weights = TRAINING.test_losses(lambda x: x, {}, Data(test=[beatless]))
    assert none.shape == weights.shape == (0,)
    assert (losses(right) < 1.5).all() and (losses(wrong) > losses(right) + 1).all()
    assert TRAINING.judges(data) == {sha256(song.sound.tobytes()).hexdigest() for song in songs}  # type: ignore[union-attr]


def test_sizes_of_a_network_are_read_from_what_a_card_says() -> None:
    one = AudioFeelAnalyzer(channels=12, value_channels=8, first_kernel=5, kernel=2, dilations=[4, 8], hidden=10)
    again = AudioFeelAnalyzer(**TRAINING.module_settings(one.architecture))
    assert {n: v.shape for n, v in again.state_dict().items()} == {n: v.shape for n, v in one.state_dict().items()}
    assert again.tempo_alone and SimpleNamespace(**again.hparams).weight_decay == 0
