"""Targets, decoding, training and scoring of AudioFeelAnalyzer, on excerpts made by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import mir_eval
import numpy as np
import pytest
import torch
from support.declared_metrics import assert_declared
from support.item_checks import assert_items

from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.contracts import FEEL
from kmidi_lab.errors import DataError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.models.feel.baselines import by_autocorrelation
from kmidi_lab.models.feel.calibration import fit_confidence
from kmidi_lab.models.feel.decoding import metre_of, octaves_apart, pulse, tempo_of, tempo_shares
from kmidi_lab.models.feel.evaluation import FeelEvaluator
from kmidi_lab.models.feel.features import (
    CURVES,
    EVENTS,
    SPREADS,
    UNTAUGHT,
    WHOLE,
    Excerpt,
    FeelBatch,
    bin_of,
    bpm_of,
    frame_at,
    seconds_at,
    targets,
)
from kmidi_lab.models.feel.losses import losses
from kmidi_lab.models.feel.module import AudioFeelAnalyzer
from kmidi_lab.models.feel.network import PULSE, USUAL
from kmidi_lab.models.feel.scores import answer_of, beat_f, calibration_error, concordance, score
from kmidi_lab.models.feel.style import style_of
from kmidi_lab.nn.audio import strided_forward
from kmidi_lab.scoring.evaluation import Evaluation
from kmidi_lab.scoring.items import worst

COUNT = 900


def excerpt(bpm: float, number: int = 0, split: str = "train", metre: int = 4) -> Excerpt:
    """Clicks on the beats, brighter the faster they are."""
    rng = np.random.default_rng(number)
    beats = 0.3 + np.arange(0, 13.5, 60 / bpm)
    frames = np.full((COUNT, 128), -9.0) + rng.normal(0, 0.1, (COUNT, 128))
    for n, at in enumerate(frame_at(beats)):
        high = 20 + int(bpm / 3)
        frames[at : at + 4, :high] += np.array([8, 5, 3, 1])[: len(frames[at : at + 4]), None] + (n % metre == 0)
    strokes = np.stack([beats, np.full(len(beats), 1.0), np.full(len(beats), 0.8)], 1)
    values = {"swing": number % 3 / 2, "voices": 0.1 * (number % 4), "percussive_share": 1.0}
    return Excerpt(
        f"a/{number}", "a" if number % 2 else "b", str(number), frames.astype(np.float16), beats, beats[::metre], strokes,
        values, split,
    )  # fmt: skip


class Data:
    """Excerpts by split; `changed` are those of the test in other recording conditions."""

    def __init__(self, changed: Mapping[str, Sequence[Excerpt]] | None = None, **songs: Sequence[Excerpt]) -> None:
        self._songs, self._changed = songs, changed or {}

    def conditions(self, split: str) -> Iterator[tuple[str, Sequence[Excerpt]]]:
        yield from self._changed.items() if split == "test" else ()

    def songs(self, split: str) -> Sequence[Excerpt]:
        return self._songs[split]


def perfect(song: Excerpt) -> np.ndarray:
    """The outputs `[T, 64]` of a model that knows everything."""
    goal, out = targets(song), np.zeros((len(song.frames), FEEL.output_size), np.float32)
    out[:, FEEL.output("tempo").index] = -2 * (np.arange(32) - goal.tempo) ** 2
    out[:, FEEL.output("beat").start : FEEL.output("onsets").stop] = 12 * goal.events - 6
    for names, columns in ((CURVES, goal.curves.T), (WHOLE, np.tile(goal.whole, (len(out), 1)).T)):
        for name, column in zip(names, columns, strict=True):
            out[:, FEEL.output(name).start] = column
    return out


def test_the_slices_that_are_taught_are_those_of_the_contract() -> None:
    names = [s.name for s in FEEL.outputs]
    assert set(names) == {"tempo", "beat", "downbeat", "onsets", "confidence", *CURVES, *WHOLE, *UNTAUGHT}
    assert [FEEL.output(n).start for n in ("beat", "onsets", "swing", "energy", "density", "brightness")] == [
        32,
        34,
        37,
        39,
        41,
        42,
    ]
    assert (FEEL.output("valence").start, FEEL.output("key_clarity").start, FEEL.output("confidence").start) == (
        58,
        62,
        63,
    )


def test_events_are_marked_where_they_are_heard() -> None:
    song = excerpt(120)
    goal = targets(song)
    assert bpm_of(goal.tempo) == pytest.approx(120) and bin_of(50) == 0 and bin_of(220) == pytest.approx(31)
    marked = np.flatnonzero(goal.events[:, EVENTS.index("beat")] == 1)
    assert seconds_at(marked) == pytest.approx(song.beats, abs=0.009)
    assert goal.events[marked[1] - 1, 0] == goal.events[marked[1] + 1, 0] == np.float32(0.4)
    assert not goal.events[:, EVENTS.index("low")].any() and goal.events[:, EVENTS.index("mid")].any()
    unmarked = targets(replace(song, beats=np.zeros(0), downbeats=np.zeros(0)))
    assert np.isnan(unmarked.tempo) and unmarked.marked.tolist() == [0, 0, 1, 1, 1]
    assert targets(replace(song, beats=np.arange(20) * 2.0)).marked[0] == 0, "30 a minute is outside the bins"


def test_density_and_energy_are_those_of_the_last_four_seconds() -> None:
    song = excerpt(120)
    first = song.strokes[song.strokes[:, 0] < 6]
    density = targets(replace(song, strokes=first)).curves[:, CURVES.index("density")]
    assert density[300] == pytest.approx(2 / 12, abs=0.02) and density[-1] == 0
    louder = replace(song, strokes=song.strokes * [1, 1, 1.2])
    assert targets(louder).curves[400, 0] > targets(song).curves[400, 0] > 0


@pytest.mark.parametrize("bpm", [63, 97, 128, 171])
def test_decoding_finds_the_tempo_and_the_beats(bpm: float) -> None:
    song = excerpt(bpm)
    said = pulse(perfect(song))
    assert said.tempo == pytest.approx(bpm, rel=0.01)
    assert beat_f(song.beats, said.beats) > 0.9
    assert said.metre == 4 and np.abs(song.downbeats - said.downbeats[0]).min() < 0.03
    assert pulse(perfect(excerpt(bpm, metre=3))).metre == 3
    assert style_of(perfect(excerpt(bpm, metre=3))).in_three is (bpm > 100), "14 s of a slower one have too few beats"
    assert not style_of(perfect(song)).in_three


def test_how_much_bars_of_three_stand_out() -> None:
    """By hand: every third of 24 beats is 0.4 stronger; bars of four see each of their first beats so once in three bars."""
    beats = np.where(np.arange(24) % 3 == 0, 0.5, 0.1)
    metre, first, triple = metre_of(beats)
    assert (metre, first) == (3, 0) and triple == pytest.approx(0.4 - 0.0)
    weak = np.where(np.arange(24) % 3 == 1, 0.14, 0.1)
    assert metre_of(weak)[0] == 4 and metre_of(weak)[2] == pytest.approx(0.04), "a bar of three must be clearer"


def test_decoding_of_next_to_nothing() -> None:
    assert 50 <= pulse(np.zeros((1, 64), np.float32)).tempo <= 220
    assert metre_of(np.zeros(0)) == metre_of(np.ones(1)) == (4, 0, 0.0)
    assert tempo_of(tempo_shares(np.zeros((3, 64)))) == pytest.approx(50, rel=0.1)


def test_the_autocorrelation_hears_clicks() -> None:
    assert octaves_apart(by_autocorrelation(excerpt(110).frames).tempo, 110)


def test_metrics_agree_with_mir_eval() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        true, said = np.sort(rng.uniform(0, 15, 30)), np.sort(rng.uniform(0, 15, 25))
        theirs = mir_eval.beat.f_measure(*map(mir_eval.beat.trim_beats, (true, said)))
        assert beat_f(true, said) == pytest.approx(theirs)
    assert beat_f(np.arange(9.0), np.zeros(0)) == 0
    x = np.arange(5.0)
    assert concordance(x, x) == 1 and concordance(x, x + 2) == pytest.approx(0.5) and concordance(x * 0, x) == 0
    assert octaves_apart(60, 121) and not octaves_apart(60, 100)


@pytest.fixture(scope="module")
def data() -> Data:
    tempos = np.random.default_rng(1).uniform(60, 190, 24)
    songs = [excerpt(bpm, i) for i, bpm in enumerate(tempos)]
    return Data(train=songs[:16], test=[replace(s, split="test") for s in songs[16:]])


@pytest.mark.slow  # librosa compiles its beat tracker
def test_a_perfect_model_scores_so_and_beats_every_baseline(data: Data) -> None:
    answers = iter([perfect(song) for song in data.songs("test")])
    evaluator = FeelEvaluator()
    result = evaluator(lambda x: next(answers)[None], {}, data, "test", data)
    assert_declared(evaluator, result)
    own = result.metrics["test"]
    assert own["accuracy1"] == own["accuracy2"] == 1 and own["beat_f"] > 0.9
    assert [own[f"{name}_ccc"] for name in CURVES] == pytest.approx([1, 1, 1])
    assert own["swing_ccc"] == pytest.approx(1) and "valence_ccc" not in own
    assert set(result.baselines["test"]) == {"constant", "autocorrelation+ridge", "librosa+ridge"}
    assert result.baselines["test"]["autocorrelation+ridge"]["accuracy2"] > 0.8
    assert result.baselines["test"]["librosa+ridge"]["accuracy2"] > 0.5
    assert result.baselines["test"]["constant"]["energy_ccc"] == pytest.approx(0)
    assert set(result.metrics) == {"test", "test/a", "test/b"}


def test_the_worst_excerpts_are_those_whose_tempo_is_missed(data: Data) -> None:
    songs = data.songs("test")
    wrong = replace(songs[3], beats=songs[3].beats * 0.8)  # is played slower than it is heard
    answers = [perfect(song) for song in [*songs[:3], wrong, *songs[4:]]]
    own = Evaluation({"test": score([answer_of(a) for a in answers], songs)})
    said = iter(answers * 2)
    assert_items(FeelEvaluator(), lambda x: next(said)[None], {}, data, own, "loss")
    first = worst(FeelEvaluator().items(lambda x: next(said)[None], {}, data, "test"))[0]
    assert first.name == songs[3].id and re.fullmatch(r"\d+ a minute, heard as \d+", first.said)


def test_nothing_to_score_is_said(data: Data) -> None:
    silent = [replace(song, beats=np.zeros(0)) for song in data.songs("test")]
    with pytest.raises(DataError, match="holds no tempo"):
        FeelEvaluator()(None, {}, Data(test=silent), "test", data)  # type: ignore[arg-type]


def small() -> AudioFeelAnalyzer:
    torch.manual_seed(0)
    return AudioFeelAnalyzer(channels=16, dilations=[4, 16, 64], hidden=24, dropout=0.0)


def batch_of(songs: Sequence[Excerpt]) -> FeelBatch:
    rows = [targets(song) for song in songs]
    columns = [np.stack(column).astype(np.float32) for column in zip(*rows, strict=True)]
    return FeelBatch(
        torch.from_numpy(np.stack(adapted_sounds([s.frames for s in songs]))), *map(torch.from_numpy, columns)
    )


def test_what_is_never_taught_stays_zero_and_the_rest_is_learnt(data: Data) -> None:
    module, batch = small(), batch_of(data.songs("train")[:6])
    optimiser = torch.optim.AdamW(module.parameters(), 1e-2)
    before: dict[str, float] = {}
    for step in range(40):
        outputs = strided_forward(module.network, batch.x, module.stride)
        some = batch._replace(events=batch.events[:, :: module.stride], curves=batch.curves[:, :: module.stride])
        each = losses(outputs, some, 4.0, 32)
        if step == 0:
            before = {name: float(value.detach()) for name, value in each.items()}
        optimiser.zero_grad()
        sum(each.values()).backward()  # type: ignore[union-attr]
        optimiser.step()
    assert all(float(each[name].detach()) < 0.8 * before[name] for name in ("tempo", "events", "values"))
    for name in UNTAUGHT:
        assert not outputs[..., FEEL.output(name).index].any()


def test_unknown_labels_move_nothing() -> None:
    song = replace(excerpt(120), beats=np.zeros(0), downbeats=np.zeros(0), values={})
    batch, outputs = batch_of([song]), torch.zeros(1, COUNT, FEEL.output_size, requires_grad=True)
    sum(losses(outputs, batch, 4.0, 128).values()).backward()  # type: ignore[union-attr]
    assert outputs.grad is not None
    still = [FEEL.output(n) for n in ("tempo", "beat", "downbeat", "confidence", *WHOLE)]
    assert not any(outputs.grad[..., s.index].any() for s in still)
    assert all(outputs.grad[..., FEEL.output(n).index].any() for n in ("onsets", *CURVES))


def test_an_error_costs_by_what_its_value_varies_by() -> None:
    """A register that is off by its own spread costs as much as an energy or a key clarity that is."""
    batch = batch_of([replace(excerpt(120), values=dict.fromkeys(WHOLE, 0.5))])
    right = torch.zeros(1, COUNT, FEEL.output_size)
    for name, column in zip((*CURVES, *WHOLE), (*batch.curves[0].T, *batch.whole[0]), strict=True):
        right[..., FEEL.output(name).start] = column
    costs = {}
    for name, spread in SPREADS.items():
        wrong = right.clone()
        wrong[..., FEEL.output(name).start] += spread
        costs[name] = float(losses(wrong, batch, 4.0, 128)["values"])
    assert set(costs) == {*CURVES, *WHOLE} and float(losses(right, batch, 4.0, 128)["values"]) == 0
    assert [costs[n] for n in CURVES] == pytest.approx([1 / len(CURVES)] * len(CURVES), rel=1e-4)
    assert [costs[n] for n in WHOLE] == pytest.approx([1 / len(WHOLE)] * len(WHOLE), rel=1e-4)


def test_tempo_and_values_are_learnt_by_parts_of_their_own() -> None:
    """What the loss of one asks for moves no weight of the other, so that neither is learnt at the other's cost."""
    batch, moved = batch_of([excerpt(120), excerpt(90, 1)]), {}
    batch.curves[..., CURVES.index("density")] = torch.nan  # the part that hears onsets counts them, too
    for told in (("tempo", "events", "confidence"), ("values", "agreement")):
        module = small()
        each = losses(module.network(batch.x), batch, 4.0, 128)
        sum(each[name] for name in told).backward()  # type: ignore[union-attr]
        moved[told] = {n for n, p in module.named_parameters() if p.grad is not None and p.grad.any()}
    pulse_part, value_part = moved.values()
    assert pulse_part and value_part and not pulse_part & value_part


def test_every_fourth_output_of_both_parts_is_that_of_the_whole_network() -> None:
    module, x = small().eval(), torch.randn(2, 301, 128)
    with torch.no_grad():
        assert torch.allclose(strided_forward(module.network, x, 4), module.network(x)[:, ::4], atol=1e-5)
    with pytest.raises(ValueError, match="must be multiples of 5"):
        strided_forward(module.network, x, 5)


def test_each_output_stands_where_the_contract_says() -> None:
    """A part whose last layer says the place of each output has it there, values in spreads from what is usual."""
    network = small().network.eval()
    _, heads, _ = network
    told = [[s for s in FEEL.outputs if (s.name in PULSE) == of_pulse] for of_pulse in (True, False)]
    with torch.no_grad():
        for branch, slices in zip(heads.branches, told, strict=True):
            *_, last = branch
            last.weight.zero_()
            last.bias.copy_(torch.cat([torch.arange(s.start, s.stop) for s in slices]))
        said = network(torch.zeros(1, 3, 128))[0, -1].numpy()
    expected = np.arange(FEEL.output_size, dtype=float)
    for name, spread in SPREADS.items():
        expected[FEEL.output(name).start] = USUAL[name] + spread * FEEL.output(name).start
    assert said == pytest.approx(expected, rel=1e-6)


def test_agreement_is_what_concordance_lacks() -> None:
    """Beside the evaluator's own concordance, and by hand: an answer of the mean lacks all of it."""
    songs = [replace(excerpt(bpm), values={"swing": n / 5}) for n, bpm in enumerate((70, 90, 120, 150, 180))]
    batch = batch_of(songs)
    batch = batch._replace(curves=torch.full_like(batch.curves, torch.nan))
    said = torch.zeros(len(songs), COUNT, FEEL.output_size)
    told = torch.tensor([0.1, 0.2, 0.3, 0.5, 0.7])
    said[..., FEEL.output("swing").start] = told[:, None]
    lack = 1 - concordance(told.numpy().astype(float), np.arange(5) / 5)
    assert float(losses(said, batch, 4.0, 128)["agreement"]) == pytest.approx(lack / len(WHOLE), rel=1e-4)
    said[..., FEEL.output("swing").start] = 0.4
    assert float(losses(said, batch, 4.0, 128)["agreement"]) == pytest.approx(1 / len(WHOLE))
    few = FeelBatch(*(column[:3] for column in batch))
    assert float(losses(said[:3], few, 4.0, 128)["agreement"]) == 0, "three say nothing"


def test_a_calibrated_confidence_is_the_share_that_is_right() -> None:
    """By hand: of those at logit 1 half are right, at logit 2 nine tenths, whatever the network says."""
    logits = np.repeat([1.0, 2.0], 1000)
    right = np.concatenate([np.arange(1000) < 500, np.arange(1000) < 900])
    fitted = fit_confidence(logits, right)
    assert fitted is not None
    slope, offset = fitted
    sure = 1 / (1 + np.exp(-(slope * logits + offset)))
    assert sure[0] == pytest.approx(0.5, abs=0.01) and sure[-1] == pytest.approx(0.9, abs=0.01)
    assert calibration_error(sure, right) < 0.01
    assert calibration_error(1 / (1 + np.exp(-logits)), right) == pytest.approx((0.231 + 0.019) / 2, abs=0.001)
    assert fit_confidence(-logits, right) is None, "surer where it is wrong"
    assert fit_confidence(logits, right | True) is None


def test_validation_sets_the_confidence_and_nothing_else() -> None:
    """It says 120 for each, and is a little surer of the half that is; the exported network then says how often it is right."""
    songs = [replace(excerpt(120 if n % 2 else 90, n), split="val") for n in range(12)]
    turns, place = iter(range(len(songs))), FEEL.output("confidence").start

    def call(x: np.ndarray) -> np.ndarray:
        out = perfect(songs[1])[None]
        out[..., place] = 4.0 + next(turns) % 2
        return out

    module = small().eval()
    with torch.no_grad():
        before = module.network(probe := torch.randn(1, 50, 128))
        assert module.calibrate(call, Data(val=songs)) == []
        after = module.network(probe)
    assert torch.equal(before[..., :place], after[..., :place])
    *_, last = module.network
    slope, offset = last.weight[place].sum().item(), last.bias[place].item()
    assert slope > 1 and slope * 4.5 + offset == pytest.approx(0, abs=0.01), "half are right"


def test_other_recording_conditions_are_scored_beside_the_strongest_baseline(data: Data) -> None:
    songs = data.songs("test")
    later = [replace(s, beats=s.beats + 1.0, strokes=np.add(s.strokes, [1.0, 0, 0])) for s in songs]
    both = Data({"hum": songs, "silence_around": later}, train=data.songs("train"), test=songs)
    answers = iter([perfect(song) for song in (*songs, *songs, *songs)])
    result = FeelEvaluator()(lambda x: next(answers)[None], {}, both, "test", both)
    own, rival = result.metrics["test"], result.baselines["test"]["autocorrelation+ridge"]
    assert own["accuracy1_hum"] == 1 and own["beat_f_hum"] == own["beat_f"] and own["energy_ccc_hum"] > 0.99
    assert own["beat_f_silence_around"] < own["beat_f"], "what it says comes a second too soon"
    assert rival["accuracy1_hum"] == rival["accuracy1"] and "accuracy1_hum" not in result.baselines["test"]["constant"]


@pytest.mark.slow
def test_both_artefacts_take_it_and_it_is_small_enough() -> None:
    assert AudioFeelAnalyzer().parameter_count < 300_000
    module = small().eval()
    assert export_onnx(module.export_network(), FEEL) and export_rtneural(module.export_network(), FEEL)
