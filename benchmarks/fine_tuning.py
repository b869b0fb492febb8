"""Does a released model get better on a user's own material by training on a little of it? Prints the table of
docs/fine_tuning.md.

    python benchmarks/fine_tuning.py DATA_ROOT WORK [pop|jazz|groove] [--draws 3] [--development]

The user's material is real data that the start weights have not been trained on: `pop` is charts of POP909 in the test
part of the release, which knows the style; `jazz` is jazz standards, for the MIT release, which has seen no jazz;
`groove` is takes of drummer 7, for a network of `experiment=groove_drummers`, which has not heard them. Of these about
30 charts (10 takes) are drawn for tuning, a part of which is the validation; the rest is held out. Each draw is one
seed. `--development` scores the settings that were tried on other material instead (fine_tuning_material.py).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fine_tuning_material import material, start

_MODEL = {"pop": "harmony", "jazz": "harmony", "groove": "groove"}
_EXPERIMENT = {"pop": "harmony_real", "jazz": "harmony_mit", "groove": "groove_drummers"}
_METRICS = {"harmony": ("perplexity", "top1"), "groove": ("timing_mae_ms", "velocity_mae")}
_EVERY_SHARE = "model.mix_with_start=[0,0.25,0.5,0.75,1]"


def _of(rate: str, epochs: int, *more: str) -> list[str]:
    return [f"model.module.learning_rate={rate}", f"trainer.max_epochs={epochs}", *more]


_SCRATCH = {
    "harmony": _of("2e-3", 40, "model.module.hidden=[160,128]"),
    "groove": _of("4e-3", 60),
}
_TRIED = {
    "pop": [_of("1e-4", 20), _of("3e-4", 20), _of("1e-3", 20, "model.freeze=[network]")],
    "jazz": [_of("1e-3", 20), _of("3e-3", 40)],
    "groove": [_of("1e-3", 60), _of("3e-3", 60)],
}
"""On development material, each as it is, half of it mixed with the start, and by every share."""
_CHOSEN = {"pop": (0, 0), "jazz": (1, 0), "groove": (0, 0)}
"""By development: the setting for tuning alone, and for mixing."""


def ways(case: str, development: bool) -> dict[str, list[str]]:
    """Words of each way of training by its name."""
    tried = _TRIED[case]
    alone, mixing = (tried, tried) if development else ([tried[place]] for place in _CHOSEN[case])
    found = {f"tuned {' '.join(words)}": words for words in alone}
    for words in mixing:
        for shares in ("model.mix_with_start=[0.5]", _EVERY_SHARE):
            found[f"mixed {' '.join(words)} {shares}"] = [*words, shares]
    return {"scratch": _SCRATCH[_MODEL[case]]} | found


def run(case: str, words: list[str], draw: int, work: Path) -> Any:
    """The record of one training, its test scored as every run's is."""
    from omegaconf import OmegaConf

    from kmidi_lab import config, lab

    [cfg] = config.check(
        [f"experiment={_EXPERIMENT[case]}", f"seed={draw + 1}", "hardware=cpu", "export.enabled=false", "trainer.ema=0",
         "trainer.progress=false", f"paths.cache_dir={work / 'cache'}", f"paths.output_root={work / 'out'}", *words],
        False,
    )  # fmt: skip
    OmegaConf.set_struct(cfg, False)
    del cfg["hydra"]
    folder = work / "out" / config.new_run_id()
    return lab.train(cfg, {"folder": folder, "command": "", "started": datetime.now(UTC), "group": None})


def released(case: str, words: list[str], work: Path, folder: Path) -> dict[str, Any]:
    """The test scores of what is tuned, as it is, on the same held-out material."""
    from kmidi_lab import config
    from kmidi_lab.data import DataModule
    from kmidi_lab.inference.published import load_published
    from kmidi_lab.scoring.evaluation import Evaluator
    from kmidi_lab.targets import build

    [cfg] = config.check([f"experiment={_EXPERIMENT[case]}", f"paths.cache_dir={work / 'cache'}", *words], False)
    data = build(cfg.data, DataModule, [], progress=False)
    data.setup("test")
    there = load_published(folder, _MODEL[case])
    assert there is not None
    data.use_contract(there.contract.version)
    evaluation = build(cfg.model.evaluator, Evaluator, [])(there.call, there.head, data, "test", data)
    return dict(evaluation.metrics["test"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("cases", nargs="*", default=list(_MODEL))
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--development", action="store_true")
    asked = parser.parse_args()
    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT"):
        os.environ.pop(key, None)
    for case in asked.cases:
        folder = start(case, asked.data_root, asked.work, asked.development, run)
        rows: dict[str, list[dict[str, Any]]] = {}
        for draw in range(asked.draws):
            words = material(case, asked.data_root, asked.work, draw, asked.development)
            rows.setdefault("release as it is", []).append(released(case, words, asked.work, folder))
            for way, setting in ways(case, asked.development).items():
                begun = [] if way == "scratch" else [f"model.init_from={folder}"]
                record = run(case, [*words, *setting, *begun], draw, asked.work)
                share = record.data.more.get("started_from", {}).get("share_learnt")
                scores = {"seconds": record.training.seconds, "share": share} | dict(record.scores.metrics["test"])
                rows.setdefault(way, []).append(scores)
                counts = {s: record.data.split[s]["songs"] for s in ("train", "val", "test")}
                print(case, draw, way, counts, json.dumps(scores), flush=True)
            for name, best in record.scores.baselines["test"].items():
                rows.setdefault(f"baseline {name}", []).append(dict(best))
        for name, scored in rows.items():
            keys = (*_METRICS[_MODEL[case]], "share", "seconds")
            print(case, name, *(f"{key} {_spread([s.get(key) for s in scored])}" for key in keys), sep=" | ")
    return 0


def _spread(values: list[Any]) -> str:
    there = [v for v in values if v is not None]
    if not there:
        return "–"
    return f"{statistics.fmean(there):.4g} ± {statistics.stdev(there) if len(there) > 1 else 0:.2g}"


if __name__ == "__main__":
    sys.exit(main())
