"""The network: causal, the same in pieces, at home in every key; it learns."""

from __future__ import annotations

from pathlib import Path

import lightning as L
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
from kmidi_lab.chords.chord import Key
from kmidi_lab.contracts import MELODY
from kmidi_lab.errors import ConfigError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.parity import check_parity
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.models.melody.baselines import fit_baselines
from kmidi_lab.models.melody.evaluation import MelodyEvaluator, run
from kmidi_lab.models.melody.features import notes_of, vectors
from kmidi_lab.models.melody.key_frame import key_frame
from kmidi_lab.models.melody.module import MelodyTransformer
from kmidi_lab.models.melody.network import LONGEST, MATCHES, match_lengths
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
