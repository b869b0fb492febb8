"""A run on all of its data is published with the scores of the run on the split, and not without."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import Cli

SMALL = (
    "model=instrument", "data=philharmonia", "data.sources=[philharmonia]", "data.augment.variants=1", "data.workers=1",
    "data.augment.channel=0", "model.module.channels=4", "model.module.dilations=[4]",
    "export.enabled=false",
)  # fmt: skip
TONES = {"flute": (0, 2), "cello": (9, 5)}


def write_tones(folder: Path) -> None:
    """Flutes and cellos of a kind, 24 takes each."""
    for name, (first, overtones) in TONES.items():
        (folder / name).mkdir(parents=True)
        for octave in range(2, 6):
            for note, pitch in enumerate(("C", "Ds", "Fs", "A", "B", "D")):
                t = np.arange(8000) / 16000
                f = 32.7 * 2 ** (octave - 1 + (note * 2 + first) / 12)
                wave = sum(np.sin(2 * np.pi * f * k * t) / k for k in range(1, overtones + 1))
                word = "arco-normal" if name == "cello" else "normal"
                soundfile.write(folder / name / f"{name}_{pitch}{octave}_05_forte_{word}.mp3", 0.2 * wave, 16000)


@pytest.mark.slow
def test_a_run_on_all_takes_has_the_scores_of_the_run_on_the_split(called: Cli, tmp_path: Path) -> None:
    write_tones(tmp_path / "data" / "philharmonia")
    ours = {"DATA_ROOT": str(tmp_path / "data")}

    def trained(*more: str) -> Path:
        before = set(tmp_path.glob("outputs/runs/instrument/*"))
        done = called(*SMALL, *more, env=ours)
        assert done.returncode == 0, done.stderr + done.stdout
        [run] = set(tmp_path.glob("outputs/runs/instrument/*")) - before
        return run

    split, other = (
        trained("trainer.max_epochs=3", "model.module.hidden=4"),
        trained("trainer.max_epochs=1", "model.module.hidden=8"),
    )
    begun = (
        f"model.init_from={split}/checkpoints/best.ckpt",
        "model.module.learning_rate=1e-3",
        "+trainer.check_val_every_n_epoch=5",
    )
    everything = trained("trainer.max_epochs=2", "model.module.hidden=4", "data.train_on=all", *begun)
    record = json.loads((everything / "run.json").read_text())
    assert record["identity"]["status"] == "ok" and record["scores"] is None
    assert record["training"]["best_epoch"] == 1 and record["training"]["val_loss"] is None
    ask = ("task=export", "model=instrument", f"export.source={everything}", "models_root=published", "export.calls=20")
    half = shutil.copytree(split, tmp_path / "half")
    config = (half / "config.yaml").read_text()
    (half / "config.yaml").write_text(config.replace("mix_with_start: null", "mix_with_start: [0.5]"))
    for spread, said in (
        ((), "trained on all of its data"),
        ((f"export.spread={other}",), "model.module.hidden differ"),
        ((f"export.spread={half}",), "(model.mix_with_start differ)"),
        ((f"export.spread={everything}",), "no run there that was trained and validated"),
        (("export.spread=nowhere",), "no run there"),
    ):
        done = called(*ask, *spread, env=ours)
        assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert not (tmp_path / "published" / "registry.json").exists()

    done = called(*ask, f"export.spread={split}", env=ours)
    assert done.returncode == 0, done.stderr + done.stdout
    [entry] = json.loads((tmp_path / "published" / "registry.json").read_text())["models"]
    alone = ("task=export", "model=instrument", f"export.source={split}", "models_root=alone", "export.calls=20")
    done = called(*alone, env=ours)
    assert done.returncode == 0, done.stderr + done.stdout
    [of_split] = json.loads((tmp_path / "alone" / "registry.json").read_text())["models"]
    for part in ("metrics", "baselines", "primary", "status", "status_reason"):
        assert entry[part] == of_split[part], part
    assert entry["split_run"] == {"run_id": split.name, "songs": of_songs(split), "all_songs": 48, "continued": True}
    assert "split_run" not in of_split
    assert entry["data_settings"]["train_on"] == "all" and entry["training"]["run_id"] == everything.name
    assert not {"val_loss", "test_loss"} & entry["training"].keys()
    assert entry["exports"]["onnx_sha256"] != of_split["exports"]["onnx_sha256"]
    card = (tmp_path / "published" / "instrumentrecognizer.card.md").read_text()
    for text in (entry["note"], card):
        assert "has no test of its own" in text and split.name in text
    done = called("task=verify", "models_root=published")
    assert done.returncode == 0, done.stdout + done.stderr
    done = called("task=eval", *SMALL[:3], "models_root=published", "data.split=test", env=ours)
    assert done.returncode == 0, done.stderr + done.stdout
    tested = of_songs(split, "test")
    assert f"{tested} songs, {tested} of them also trained on" in done.stdout


def of_songs(run: Path, split: str = "train") -> int:
    return int(json.loads((run / "run.json").read_text())["data"]["split"][split]["songs"])


def test_a_run_on_all_data_may_not_publish_itself(called: Cli, tmp_path: Path) -> None:
    done = called("model=instrument", "data=gm_instruments", "data.train_on=all", "hardware=cpu")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "export.enabled=false" in done.stderr and "export.spread=" in done.stderr
