"""`model=X preset=smoke` goes the whole way for every model of conf/, within two minutes, whatever DATA_ROOT holds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from kmidi_lab import cli
from kmidi_lab.conf_dir import conf_dir, models, options
from kmidi_lab.config import check
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.registry.registry import load_registry

_MOST_S = 100.0
"""Of one core, imports left out: tests share the machine."""
_LESS = ("trainer.max_epochs=1", "export.calls=20", "trainer.progress=false", "data.progress=false")
"""The first of three epochs and a tenth of the timed calls: what comes after is the same."""
_LESS_OF = {
    "melody": ("model.module.student_epochs=1", "model.module.layers=1"),
    "emotion_node": ("data.nodes=3",),
    "instrument": ("data.augment.variants=0",),
}
_PLAYERS = {"melody": 2 * 3, "groove": 2 * 4, "dynamics": 2 * 4, "microtiming": 2 * 4}
"""Two items of the test in each of their versions."""
_DRAWN = ("harmony", "emotion")
"""Whose report has its figures: of a model of symbols and of one of sound, with all kinds of figures between them."""


@pytest.mark.parametrize("cut", sorted(Path(conf_dir(), "cut", "smoke").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_cut_is_of_its_data_set_alone(cut: Path) -> None:
    model = next(name for name, said in models((conf_dir(),)).items() if cut.stem in said["model"]["accepts"])
    asked = [f"model={model}", f"data={cut.stem}"]
    small, whole = (check([*asked, *more], False)[0].data for more in (["preset=smoke"], []))
    for name, value in OmegaConf.load(cut).items():
        assert OmegaConf.merge({name: small[name]}, {name: value}) == {name: small[name]}
        assert name in whole


def test_a_preset_gives_way_to_the_command_line() -> None:
    [given] = check(["model=harmony", "preset=smoke", "data.split=val", "data.batch_size=7"], False)
    assert (given.data.split, given.data.batch_size) == ("val", 7)


def test_every_model_has_a_cut_for_its_own_data() -> None:
    for name in options("model"):
        (data,) = [d["override /data"] for d in OmegaConf.load(conf_dir() / "model" / f"{name}.yaml").defaults]
        assert (conf_dir() / "cut" / "smoke" / f"{data}.yaml").is_file(), data


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer voices, programs, tunes, sentences and trees than a smoke run of a user has; what is done with each is the
    same.

    librosa's beat tracker is compiled for half a minute, and stands beside feel in `test_feel_scores`.
    """
    from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting as Boosting

    from datamodules.emotion import acting
    from datamodules.instrument import general_midi
    from datamodules.intent import rules as sentences
    from kmidi_lab.models.dynamics import baselines as of_scores
    from kmidi_lab.models.feel import baselines as of_feel
    from kmidi_lab.models.groove import boosted as of_drums
    from kmidi_lab.models.melody import generation
    from kmidi_lab.models.microtiming import boosted as of_notes

    for voices in ("_MEN", "_WOMEN"):
        monkeypatch.setattr(acting, voices, getattr(acting, voices)[:4])
    monkeypatch.setattr(general_midi, "PRESETS", general_midi.PRESETS[::3])
    for trees in (of_drums, of_notes):
        monkeypatch.setattr(trees, "_MOST", 1000)
    monkeypatch.setattr(of_scores, "_TREE_NOTES", 1000)
    fit = Boosting.fit
    monkeypatch.setattr(Boosting, "fit", lambda self, *data: fit(self.set_params(max_iter=5), *data))
    monkeypatch.setattr(of_feel, "by_librosa", of_feel.by_autocorrelation)
    monkeypatch.setattr(generation, "_PIECES", 2)
    monkeypatch.setattr(sentences, "_KINDS", 1)


@pytest.mark.slow
@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("model", options("model"))
def test_a_smoke_run_trains_and_publishes_through_all_gates(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    import kmidi_lab.lab  # noqa: F401  what a process pays once

    if model in _DRAWN:
        request.getfixturevalue("drawn")

    for name, folder in (("OUTPUT_ROOT", tmp_path), ("MODELS_ROOT", tmp_path / "models"), ("DATA_ROOT", tmp_path)):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr("sys.argv", ["kmidi_lab"])
    began = time.process_time()
    less = (*_LESS, *_LESS_OF.get(model, ()))
    assert cli.run([f"model={model}", "preset=smoke", "hardware=cpu", *less]) == 0
    assert time.process_time() - began < _MOST_S
    (entry,) = load_registry(tmp_path / "models")["models"]
    assert entry["id"] == CONTRACTS[model].id
    # A student that has learnt this little is withheld.
    withheld = bool((entry["student"] or {}).get("withheld"))
    assert withheld or entry["parity"]["rtneural_reader"] <= 1e-4
    assert entry["parity"]["onnx"] <= 1e-4 and f"{entry['id']}.onnx" in entry["files"]
    assert (f"{entry['id']}.json" in entry["files"]) != withheld and (model == "melody" or not withheld)
    [report] = tmp_path.glob("runs/*/*/report.html")
    assert report.read_text(encoding="utf-8").count("<audio controls ") == _PLAYERS.get(model, 0)
    assert report.stat().st_size < 4_000_000
