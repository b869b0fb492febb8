"""The network: causal, the same in pieces, at home in every key; it learns; what it writes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import lightning as L
import mido
import numpy as np
import pytest
import torch
from support.declared_metrics import assert_declared
from support.item_checks import assert_heard, assert_items
from support.melody_tunes import melody, random_tunes

from datamodules.melody import library
from datamodules.melody.module import Melodies
from kmidi_lab import after_fit
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.chords.chart import read_chart
from kmidi_lab.chords.chord import Key, plain_chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.spelling import Spelling, parse_spelling
from kmidi_lab.contracts import MELODY
from kmidi_lab.errors import ConfigError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.parity import check_parity
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.inference.session import Session
from kmidi_lab.models.melody.baselines import fit_baselines
from kmidi_lab.models.melody.evaluation import MelodyEvaluator, run
from kmidi_lab.models.melody.features import notes_of, vectors
from kmidi_lab.models.melody.key_frame import key_frame
from kmidi_lab.models.melody.module import MelodyTransformer
from kmidi_lab.models.melody.network import LONGEST, MATCHES, match_lengths
from kmidi_lab.models.melody.piano_roll import note_name
from kmidi_lab.models.melody.predict import MelodyOverChords
from kmidi_lab.models.melody.rhythm import BAR, BARS, bars_of, compose, keep_bars, known_bars, plain_bars
from kmidi_lab.models.melody.writing import TimedChord, chord_at, in_quarters, midi_bytes, repeat, write
from kmidi_lab.nn.module import StudentPlan

SMALL = {"size": 16, "heads": 2, "layers": 1, "window": 12, "memory": 24, "dropout": 0.0, "student_size": 16}


VERSIONS = pytest.mark.parametrize("version", ["1", "2"])


def small(version: str = "2") -> MelodyTransformer:
    torch.manual_seed(0)
    module = MelodyTransformer(**SMALL)
    module.use_contract(version)
    return module.eval()


def heard(module: MelodyTransformer, tunes: list) -> torch.Tensor:
    return torch.from_numpy(np.stack([vectors(notes_of(t), module.contract) for t in tunes]))


@VERSIONS
def test_pieces_give_what_the_whole_gives_beyond_the_memory(version: str) -> None:
    module = small(version)
    network, x = module.network, heard(module, random_tunes(3, 60, 1))
    with torch.no_grad():
        whole = network(x)
        state, parts = network.zero_state(x), []
        for piece in x.split([1, 3, 9, 1, 30, 16], 1):
            y, state = network.stream(piece, state)
            parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(whole.sum(-1), torch.ones(3, 60))
    assert (whole >= 0).all()


@VERSIONS
def test_the_present_does_not_depend_on_the_future(version: str) -> None:
    module = small(version)
    network, x = module.network, heard(module, random_tunes(1, 40, 1))
    changed = x.clone()
    changed[:, 25:] = changed[:, 25:].flip(1)
    with torch.no_grad():
        torch.testing.assert_close(network(x)[:, :25], network(changed)[:, :25])


def test_a_state_after_reset_says_nothing_of_the_piece_before() -> None:
    network = small().network
    x = torch.from_numpy(vectors(notes_of(random_tunes(1, 20, 1)[0]))[None])
    with torch.no_grad():
        y, _ = network.stream(x, network.zero_state(x))
    torch.testing.assert_close(y, network(x))


def test_matches_are_those_that_counting_back_finds() -> None:
    rng = np.random.default_rng(3)
    tokens = torch.from_numpy(np.tile(rng.integers(0, 4, 9), 5)[None].astype(np.float32))
    padded = torch.nn.functional.pad(tokens, (LONGEST - 1, 0))
    flags = match_lengths(padded, padded, 45, 45)[0]
    values = tokens[0].tolist()
    for i in range(45):
        for j in range(45):
            run = 0
            while run <= min(i, j) and values[i - run] == values[j - run] > 0:
                run += 1
            assert flags[:, i, j].tolist() == [run >= n for n in MATCHES]


def test_a_trained_pointer_goes_where_the_longest_match_was() -> None:
    module = small()
    with torch.no_grad():
        module.network.pointer.matches.fill_(10.0)
        module.network.mix.bias.copy_(torch.tensor([-20.0, 20.0, 20.0, -20.0]))
    # 62 followed 60 most often, but 64 followed 67 60.
    tune = melody([60, 62, 60, 62, 67, 60, 64, 60, 62, 67, 60, 65])
    with torch.no_grad():
        p = module.network(heard(module, [tune]))[0]
    assert p[7].argmax() == 62 and p[11].argmax() == 64


@VERSIONS
@pytest.mark.parametrize("tonic", range(12))
def test_the_frame_finds_the_tonic(tonic: int, version: str) -> None:
    contract = MELODY.at(version)
    frame = key_frame(contract)
    x = torch.from_numpy(vectors(notes_of(melody([60, 61, 72, 60, 61], key=Key(tonic, -1))), contract)[None])
    shift = frame.shift(x)
    assert shift.flatten().tolist() == [tonic - 12 * (tonic > 6)] * 5
    pitch, recalled = frame.pitch(x), frame.recalled(x)
    assert pitch.argmax(-1).tolist() == [[0, 60, 61, 72, 60]]
    if version == "2":
        assert recalled[0, :, 0].argmax(-1).tolist() == [0, 0, 0, 0, 61]
        assert recalled[0, :, 0].sum(-1).tolist() == [0, 0, 0, 0, 1 / 8]
    relative = frame.inputs(x, pitch, recalled, shift)[..., :128]
    assert relative.argmax(-1)[0, 1:].tolist() == [p - int(shift[0, 0]) for p in (60, 61, 72, 60)]
    logits = torch.arange(140.0)[None, None].expand(1, 5, -1)
    # The logit of step s above the tonic nearest to C comes back at MIDI pitch s + shift.
    assert frame.back(logits, shift)[0, 0, 60].item() == 60 - int(shift[0, 0]) + 6


@pytest.mark.slow
@VERSIONS
def test_artefacts_compute_what_the_network_computes(version: str) -> None:
    module = small(version)
    contract = module.contract
    student = module.student_plan().network.eval().deployed()
    probes = heard(module, random_tunes(3, 30, 2)).flatten(0, 1).numpy()
    onnx, rtneural = export_onnx(module.network, contract), export_rtneural(student, contract)
    report = check_parity(module.network, contract, onnx, rtneural, probes, 1e-4, None, student)
    assert report["chunking"] < 1e-5


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[MelodyTransformer, Melodies]:
    L.seed_everything(1, verbose=False)
    folder = tmp_path_factory.mktemp("melody")
    data = Melodies("nowhere", str(folder), batch_size=16, window=40, windows_per_epoch=160, progress=False)
    tunes = random_tunes(90, 40, 1)
    data._library = library.Library(tunes, ["train"] * 70 + ["val"] * 10 + ["test"] * 10, {}, {})
    module = MelodyTransformer(**{**SMALL, "size": 32, "memory": 48}, learning_rate=1e-2)
    trainer = L.Trainer(
        max_epochs=8, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, use_distributed_sampler=False, num_sanity_val_steps=0,
    )  # fmt: skip
    data.prepare_data = lambda: None  # type: ignore[method-assign]
    trainer.fit(module, datamodule=data)
    return module.eval(), data


@pytest.mark.slow
def test_a_short_training_beats_the_unigram_and_learns_to_copy(trained: tuple[MelodyTransformer, Melodies]) -> None:
    module, data = trained
    songs = data.songs("test")
    p = run(numpy_call(module.network), songs)
    targets = np.concatenate([s.pitch for s in songs]).astype(int)
    own = -np.log(p[np.arange(len(p)), targets])
    unigram = fit_baselines(data.songs("train"), data.songs("val")).predict(songs)["unigram"]
    assert own.mean() < 0.8 * -np.log(unigram[np.arange(len(p)), targets]).mean()
    later = np.concatenate([np.arange(40) >= 24 for _ in songs])
    assert own[later].mean() < own[~later].mean()


@pytest.mark.slow
def test_a_student_is_trained_after_the_fit(trained: tuple[MelodyTransformer, Melodies], tmp_path: Path) -> None:
    module, data = trained
    (tmp_path / "checkpoints").mkdir()
    student = after_fit.distil_student(module, data, 1.0, torch.device("cpu"), tmp_path, False)
    assert student and student.curve[-1][0] < student.curve[0][0]
    assert (tmp_path / "checkpoints" / "student.ckpt").is_file()
    module.student = None


@pytest.mark.slow
def test_a_student_hears_no_more_batches_than_its_teacher(
    trained: tuple[MelodyTransformer, Melodies], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = []

    def spy(teacher: object, plan: object, contract: object, train: object, validation: object, *rest: object) -> tuple:
        heard.append([sum(1 for _ in batches) for batches in (train, train, validation)])  # type: ignore[attr-defined]
        facts = {"arch": "", "params": 1, "epochs": 1, "best_epoch": 0, "distance": 0.0, "distance_unit": ""}
        return torch.nn.Linear(1, 1), facts

    monkeypatch.setattr(after_fit, "distill", spy)
    (tmp_path / "checkpoints").mkdir()
    _, data = trained
    for limit in (2, 1.0):
        module = MelodyTransformer(**{**SMALL, "size": 32, "memory": 48})
        after_fit.distil_student(module, data, limit, torch.device("cpu"), tmp_path, False)
    every = [sum(1 for _ in data.sequences(split)) for split in ("train", "val")]
    assert heard == [[2, 2, min(2, every[1])], [every[0], every[0], every[1]]] and every[0] > 2


def test_a_student_begins_alike_whatever_was_drawn_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: tuple[MelodyTransformer, Melodies]
) -> None:
    weights = []

    def spy(teacher: object, plan: StudentPlan, *rest: object) -> tuple[torch.nn.Module, dict[str, object]]:
        weights.append(torch.nn.utils.parameters_to_vector(plan.network.parameters()).detach().clone())
        facts = {"arch": "", "params": 1, "epochs": 1, "best_epoch": 0, "distance": 0.0, "distance_unit": ""}
        return torch.nn.Linear(1, 1), facts

    monkeypatch.setattr(after_fit, "distill", spy)
    (tmp_path / "checkpoints").mkdir()
    module = MelodyTransformer(**{**SMALL, "size": 32, "memory": 48})
    for run_seed, numbers in (("1", 3), ("1", 4), ("2", 3)):
        monkeypatch.setenv("PL_GLOBAL_SEED", run_seed)
        torch.rand(numbers)
        after_fit.distil_student(module, trained[1], 1.0, torch.device("cpu"), tmp_path, False)
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_the_evaluator_scores_by_note_and_source(trained: tuple[MelodyTransformer, Melodies]) -> None:
    module, data = trained
    result = MelodyEvaluator()(numpy_call(module.network), {}, data, "test", data)
    assert_declared(MelodyEvaluator(), result)
    assert_items(MelodyEvaluator(), numpy_call(module.network), {}, data, result, "nll")
    for item in assert_heard(
        MelodyEvaluator(), numpy_call(module.network), {}, data, ("as written", "the model", "the rule")
    ):
        starts = [v.start.tolist() for v in item.versions.values()]
        assert starts[0] == starts[1] == starts[2], "one rhythm"
        assert len({int(v.pitch[0]) for v in item.versions.values()}) == 1, "one first note"
    songs = data.songs("test")
    p = run(numpy_call(module.network), songs)
    by_hand = -np.mean([np.log(row[t]) for row, t in zip(p, np.concatenate([s.pitch for s in songs]), strict=True)])
    assert result.metrics["test"]["nll"] == pytest.approx(by_hand, rel=1e-5)
    assert result.metrics["test"]["events"] == sum(map(len, songs))
    assert set(result.baselines["test"]) == set(result.baselines["test/aird"])
    generated = result.analysis["generated"]
    assert generated == {} or 0 <= generated["model"]["in_key_rate"] <= 1
    assert MelodyEvaluator().verdict(result, "test")["metric"] == "nll"


@pytest.mark.parametrize("bad", [{"size": 4}, {"heads": 5}, {"dropout": 1.0}, {"memory": 1}, {"learning_rate": 0}])
def test_bad_values_are_named(bad: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        MelodyTransformer(**bad)


def test_rhythms_have_the_asked_number_of_notes_and_fill_bars() -> None:
    for notes in (1, 7, 32, 100):
        r = compose(plain_bars(), notes, 0.0, np.random.default_rng(notes))
        assert len(r.onset) == len(r.duration) == notes
        assert (np.diff(r.onset) > 0).all()
        assert (r.onset[1:] >= (r.onset + r.duration)[:-1] - 1e-9).all()
        assert (r.onset + r.duration)[-1] % BAR == 0
        assert r.phrase[0]
    calm, lively = (compose(plain_bars(), 200, a, np.random.default_rng(1)).onset[-1] for a in (-0.8, 0.8))
    assert calm > 1.3 * lively


def test_a_density_says_how_many_notes_a_bar_has(tmp_path: Path) -> None:
    """About so many, whatever the emotion; a tune without one has those of its emotion."""
    session = Session("melody", tmp_path, tmp_path, 3)

    def notes(**wishes: object) -> float:
        return len(MelodyOverChords("C | F", bars=32, **wishes).run(None, session).notes) / 32  # type: ignore[arg-type]

    sparse, dense = notes(density=2.0), notes(density=7.0, emotion="calm")
    assert 1.5 < sparse < 3.5 and 5.5 < dense < 8
    assert notes() == notes(density=0.0) and sparse < notes() < dense


def test_chords_are_laid_out_bar_by_bar() -> None:
    progression = in_quarters(read_chart("Am | F G", "Am", bar_each=True))
    assert [(*c[:2], c.name) for c in progression] == [(0, 4, "Am"), (4, 2, "F"), (6, 2, "G")]
    assert [(c.start, c.name) for c in repeat(progression, 10.0)] == [(0, "Am"), (4, "F"), (6, "G"), (8, "Am")]
    bare = in_quarters(read_chart("C G", "C", bar_each=True))
    assert [(c.start, c.name) for c in bare] == [(0, "C"), (4, "G")]
    assert in_quarters(read_chart("", bar_each=True)) == []


def test_what_is_written_is_what_was_drawn() -> None:
    rng = np.random.default_rng(1)
    rhythm = compose(plain_bars(), 24, 0.0, rng)
    chords = repeat(
        [TimedChord(0.0, 4.0, plain_chord(0, "major"), "C"), TimedChord(4.0, 4.0, plain_chord(7, "dom7"), "G7")], 64.0
    )
    for ask in (None, lambda x: np.full(128, 1 / 128)):
        pitches = write(ask, rhythm, chords, Key(0, 1), (0.5, 0.5), rng, 1.0, 0, 1.0)
        assert len(pitches) == 24
        assert int(pitches[-1]) % 12 in chord_at(chords, float(rhythm.onset[-1])).chord.tones
        file = mido.MidiFile(file=io.BytesIO(midi_bytes(rhythm, pitches, chords, 100, Spelling(Key(0, 1), "C"))))
        on, tick = [], 0
        for message in file.tracks[1]:
            tick += message.time
            if message.type == "note_on":
                on.append((tick / file.ticks_per_beat, message.note))
        assert [p for _, p in on] == pitches.tolist()
        assert [t for t, _ in on] == pytest.approx(rhythm.onset.tolist())


@pytest.mark.parametrize("key", [Key(0, 1), Key(9, -1), Key(6, 1)])
def test_a_tune_without_chords_ends_on_the_tonic(key: Key) -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        for ask in (None, lambda x: np.full(128, 1 / 128)):
            pitches = write(ask, compose(plain_bars(), 12, 0.0, rng), [], key, None, rng, 1.0, 0, 1.0)
            assert pitches[-1] % 12 == key.tonic


def test_notes_are_spelt_as_the_key_has_them() -> None:
    assert [note_name(p, Spelling(Key(9, -1), "A")) for p in (60, 68, 70)] == ["C4", "G♯4", "B♭4"]
    assert [note_name(p, Spelling(Key(2, 1), "D")) for p in (66, 73)] == ["F♯4", "C♯5"]
    assert note_name(71, Spelling(Key(0, -1), "C")) == "B4"


def test_bars_are_taken_from_melodies_that_fill_them() -> None:
    whole = melody([60, 62, 64] * 25, [2.0, 1.0, 1.0] * 25)
    over = melody([60, 62] * 25, [3.0, 2.0] * 25)
    assert bars_of([whole, over]) == {((0.0, 2.0), (2.0, 1.0), (3.0, 1.0)): 25}


def test_bars_that_are_kept_are_the_bars_that_are_read(tmp_path: Path) -> None:
    assert known_bars(tmp_path) == (plain_bars(), "the lab's plain rhythms")
    whole = melody([60, 62, 64] * 25, [2.0, 1.0, 1.0] * 25)
    keep_bars(tmp_path, [whole])
    assert known_bars(tmp_path) == (bars_of([whole]), "bars of the prepared training melodies")
    (tmp_path / BARS).write_text('[[1, "no bar"]]')
    assert known_bars(tmp_path)[0] == plain_bars()


def test_the_model_hears_the_pitch_it_has_drawn() -> None:
    asked: list[np.ndarray] = []

    def ask(x: np.ndarray) -> np.ndarray:
        asked.append(x)
        p = np.zeros(128)
        p[60 + len(asked) % 3] = 1.0
        return p

    rhythm = compose(plain_bars(), 9, 0.0, np.random.default_rng(2))
    pitches = write(ask, rhythm, [], Key(0, 1), None, np.random.default_rng(0), 1.0, 0, 1.0)
    previous = ("previous_pitch_class", "previous_octave", "previous_duration", "previous_dotted")
    assert not any(asked[0][MELODY.input(name).index].any() for name in previous)
    assert [int(x[:12].argmax()) for x in asked[1:]] == [int(p) % 12 for p in pitches[:-1]]
    assert all(not x[61:64].any() for x in asked)


@pytest.mark.parametrize(
    "bad",
    [
        "length=-1",
        "length=9999",
        "temperature=0",
        "temperature=nan",
        "top_k=-1",
        "top_p=0",
        "top_p=1.5",
        "density=17",
        "out=x.wav",
        "key=H",
    ],
)
def test_invalid_wishes_are_one_line(bad: str, tmp_path: Path) -> None:
    from kmidi_lab.errors import UserError
    from kmidi_lab.models.melody.predict import MelodyOverChords

    name, value = bad.split("=")
    with pytest.raises(UserError) as caught:
        MelodyOverChords(**{name: value if name in ("out", "key") else float(value)})
    assert "\n" not in str(caught.value)


def test_the_melody_is_shown_as_the_key_and_the_chart_spell_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = MelodyOverChords("Am | E7/G# | Dm7b5 F#m7b5 | N.C. | Cmaj9", key="Am", length=24)
    session = Session("melody", tmp_path, tmp_path)
    request.show(request.run(None, session), session)
    out = capsys.readouterr().out
    assert all(name in out for name in ("A minor, 24 notes", "E7/G#", "Dm7b5 F#m7b5", "N.C.", "Cmaj9"))
    assert "Key:" not in out and "G♭" not in out and "A♭" not in out
    record = json.loads((tmp_path / "melody.json").read_text())
    assert [c["name"] for c in record["chords"][:6]] == ["Am", "E7/G#", "Dm7b5", "F#m7b5", "N.C.", "Cmaj9"]
    assert (tmp_path / "melody.png").read_bytes().startswith(b"\x89PNG")
    file = mido.MidiFile(tmp_path / "melody.mid")
    [key] = [m.key for m in file.tracks[0] if m.type == "key_signature"]
    assert key == "Am"
    struck = [m.note % 12 for m in file.tracks[2] if m.type == "note_on"]
    assert 8 in struck and 1 not in struck


def test_the_picture_stands_beside_the_file_that_was_named_and_takes_the_place_of_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = MelodyOverChords("C", length=4, out=str(tmp_path / "other.mid"))
    session = Session("melody", tmp_path / "run", tmp_path)
    request.show(request.run(None, session), session)
    assert (tmp_path / "other.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "mine.png").write_bytes(b"a cover")
    request = MelodyOverChords("C", length=4, out=str(tmp_path / "mine.mid"))
    session = Session("melody", tmp_path / "run", tmp_path)
    request.show(request.run(None, session), session)
    assert (tmp_path / "mine.png").read_bytes() == b"a cover"
    assert (tmp_path / "run" / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "run" / "mine.png") in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("key", "signature"),
    [("Gb", "Gb"), ("F#", "F#"), ("Cb", "Cb"), ("ebm", "Ebm"), ("d#", "D#m"), ("G#", "Ab"), ("a", "Am"), ("C#", "C#")],
)
def test_the_midi_key_is_spelled_as_it_was_typed(key: str, signature: str) -> None:
    rhythm = compose(plain_bars(), 8, 0.0, np.random.default_rng(0))
    file = mido.MidiFile(
        file=io.BytesIO(midi_bytes(rhythm, np.full(8, 60), in_quarters(read_chart("", key)), 100, parse_spelling(key)))
    )
    assert [m.key for m in file.tracks[0] if m.type == "key_signature"] == [signature]


def test_octaves_go_with_the_letter() -> None:
    assert note_name(60, parse_spelling("C#")) == "B♯3"
    assert note_name(71, parse_spelling("Gb")) == "C♭5"
    assert note_name(61, parse_spelling("C"), parse_jazz("A7"), "A") == "C♯4"
