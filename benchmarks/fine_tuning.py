"""Does a released model get better on a user's own material by training on a little of it? Prints the table of docs/fine_tuning.md.

    python benchmarks/fine_tuning.py DATA_ROOT WORK [pop|jazz|groove] [--draws 3] [--choose]

The user's material is real data that the release has not trained on: `pop` is charts of POP909 in the test part of the release,
which knows the style; `jazz` is jazz standards, for the MIT release, which has seen no jazz; `groove` is takes of drummer 7,
whom the release has not heard. Of these about 30 charts (10 takes) are drawn for tuning, a part of which
is the validation; the rest is held out. Each draw is one seed. `--choose` prints the validation losses of the settings that
were tried, without scoring any test.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OUTPUTS = Path(__file__).resolve().parents[1] / "outputs"
RELEASE = {"pop": OUTPUTS / "release", "jazz": OUTPUTS / "release_mit", "groove": OUTPUTS / "release"}
_MODEL = {"pop": "harmony", "jazz": "harmony", "groove": "groove"}
_EXPERIMENT = {"pop": "harmony_real", "jazz": "harmony_mit", "groove": "groove_drummers"}
_SOURCE = {"pop": "pop909", "jazz": "jazz_standards"}
_TUNE_TAKES, _VAL_TAKES = 8, 2
_SHARES = ("data.val_share=0.07", "data.test_share=0.73")
"""Of 123 (pop) and 152 (jazz) charts 30 to 45 are left for tuning, 8 of them to choose the best epoch. Seed 0 is the release's: all are test."""
_SETTINGS = {
    "harmony": {
        "scratch": (
            ["model.module.learning_rate=4e-3", "trainer.max_epochs=40"],
            ["model.module.learning_rate=2e-3", "trainer.max_epochs=40", "model.module.hidden=[160,128]"],
        ),
        "tuned": (
            ["model.module.learning_rate=1e-3", "trainer.max_epochs=20"],
            ["model.module.learning_rate=3e-4", "trainer.max_epochs=20"],
            ["model.module.learning_rate=1e-3", "trainer.max_epochs=20", "model.layer_rate=0.5"],
            ["model.module.learning_rate=1e-3", "trainer.max_epochs=20", "model.freeze=[network.hidden]"],
        ),
    },
    "groove": {
        "scratch": (
            ["model.module.learning_rate=4e-3", "trainer.max_epochs=60"],
            ["model.module.learning_rate=2e-3", "trainer.max_epochs=120"],
        ),
        "tuned": (
            ["model.module.learning_rate=1e-3", "trainer.max_epochs=60"],
            ["model.module.learning_rate=3e-3", "trainer.max_epochs=60"],
            ["model.module.learning_rate=3e-3", "trainer.max_epochs=60", "model.layer_rate=0.5"],
            ["model.module.learning_rate=3e-3", "trainer.max_epochs=60", "model.freeze=[network.0,network.3]"],
        ),
    },
}
_CHOSEN = {"harmony": {"scratch": 1, "tuned": 1}, "groove": {"scratch": 0, "tuned": 1}}
"""By the mean validation loss of `--choose` over the draws."""
_METRICS = {"harmony": ("perplexity", "top1"), "groove": ("timing_mae_ms", "velocity_mae")}


def material(model: str, data_root: Path, work: Path, draw: int) -> tuple[list[str], Path]:
    """(what a command line says of the user's data, the folder) of one draw."""
    root = work / f"{model}_{draw}"
    shutil.rmtree(root, ignore_errors=True)
    if model in _SOURCE:
        from datamodules.harmony.module import ChordSongs

        songs = ChordSongs(str(data_root), str(work / "cache"), progress=False)
        songs.setup("test")
        names = {song.id.split("/")[1] for song in songs.songs("test") if song.source == _SOURCE[model]}
        if model == "pop":
            for name in names:
                shutil.copytree(data_root / "pop909" / name, root / "pop909" / name)
        else:
            file = Path("jazz_standards", "JazzStandards.json")
            tunes = [t for t in json.loads((data_root / file).read_text(encoding="utf-8")) if t["Title"] in names]
            (root / file).parent.mkdir(parents=True)
            (root / file).write_text(json.dumps(tunes), encoding="utf-8")
        return [f"data.sources=[{_SOURCE[model]}]", f"data.split_seed={draw + 1}", *_SHARES, "data.batch_size=64"], root
    rows = list(csv.DictReader((data_root / "groove" / "info.csv").open(encoding="utf-8")))
    own = [r for r in rows if r["drummer"] == "drummer7" and (r["beat_type"], r["time_signature"]) == ("beat", "4-4")]
    random.Random(draw).shuffle(own)
    for number, row in enumerate(own):
        part = "train" if number < _TUNE_TAKES else "validation" if number < _TUNE_TAKES + _VAL_TAKES else "test"
        row["split"] = part
        path = root / "groove" / row["midi_filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(data_root / "groove" / row["midi_filename"], path)
    with (root / "groove" / "info.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, own[0].keys())
        writer.writeheader()
        writer.writerows(own)
    return ["data.batch_size=4"], root


def run(model: str, words: list[str], draw: int, work: Path) -> Any:
    """The record of one training, its test scored as every run's is."""
    from omegaconf import OmegaConf

    from kmidi_lab import config, lab

    [cfg] = config.check(
        [f"experiment={_EXPERIMENT[model]}", f"seed={draw + 1}", "hardware=cpu", "export.enabled=false", "trainer.ema=0",
         "trainer.progress=false", f"paths.cache_dir={work / 'cache'}", f"paths.output_root={work / 'out'}", *words],
        False,
    )  # fmt: skip
    OmegaConf.set_struct(cfg, False)
    del cfg["hydra"]
    folder = work / "out" / config.new_run_id()
    return lab.train(cfg, {"folder": folder, "command": "", "started": datetime.now(UTC), "group": None})


def released(model: str, words: list[str], work: Path) -> dict[str, Any]:
    """The test scores of the release as it is, on the same held-out material."""
    from kmidi_lab import config
    from kmidi_lab.data import DataModule
    from kmidi_lab.inference.published import load_published
    from kmidi_lab.scoring.evaluation import Evaluator
    from kmidi_lab.targets import build

    [cfg] = config.check([f"experiment={_EXPERIMENT[model]}", f"paths.cache_dir={work / 'cache'}", *words], False)
    data = build(cfg.data, DataModule, [], progress=False)
    data.setup("test")
    model_there = load_published(RELEASE[model], _MODEL[model])
    assert model_there is not None
    evaluation = build(cfg.model.evaluator, Evaluator, [])(model_there.call, model_there.head, data, "test", data)
    return dict(evaluation.metrics["test"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("models", nargs="*", default=list(RELEASE))
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--choose", action="store_true")
    asked = parser.parse_args()
    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT"):
        os.environ.pop(key, None)
    for model in asked.models:
        start = f"model.init_from={RELEASE[model]}"
        rows: dict[str, list[dict[str, Any]]] = {}
        for draw in range(asked.draws):
            words, root = material(model, asked.data_root, asked.work, draw)
            words = [*words, f"data.root={root}"]
            if not asked.choose:
                rows.setdefault("release as it is", []).append(released(model, words, asked.work))
            for way, settings in _SETTINGS[_MODEL[model]].items():
                tried = settings if asked.choose else (settings[_CHOSEN[_MODEL[model]][way]],)
                for setting in tried:
                    record = run(model, [*words, *setting, *([start] if way == "tuned" else [])], draw, asked.work)
                    scores = {"val_loss": record.training.val_loss, "seconds": record.training.seconds}
                    scores |= {} if asked.choose else dict(record.scores.metrics["test"])
                    rows.setdefault(f"{way} {' '.join(setting)}", []).append(scores)
                    counts = {s: record.data.split[s]["songs"] for s in ("train", "val", "test")}
                    print(model, draw, way, *setting, counts, json.dumps(scores), flush=True)
            if not asked.choose:
                best = record.scores.baselines["test"]
                for name in best:
                    rows.setdefault(f"baseline {name}", []).append(dict(best[name]))
        for name, scores in rows.items():
            keys = ("val_loss", "seconds") if asked.choose else (*_METRICS[_MODEL[model]], "seconds")
            print(model, name, *(f"{key} {_spread([s.get(key) for s in scores])}" for key in keys), sep=" | ")
    return 0


def _spread(values: list[Any]) -> str:
    there = [v for v in values if v is not None]
    if not there:
        return "–"
    return f"{statistics.fmean(there):.4g} ± {statistics.stdev(there) if len(there) > 1 else 0:.2g}"


if __name__ == "__main__":
    sys.exit(main())
