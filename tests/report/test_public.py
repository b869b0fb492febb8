"""What is published tells nothing of where the files of its machine lie."""

from __future__ import annotations

import re
from pathlib import Path

from kmidi_lab.report.public import public
from kmidi_lab.run_record import Identity, RunRecord

ROOT = Path(__file__).parents[2]
MACHINE = re.compile(r"(?<![\w./…$])(?:/(?:work|root|home|tmp|mnt|Users|var|media)/|[A-Z]:\\\\?Users)")


def test_paths_become_the_settings_that_named_them() -> None:
    run = RunRecord(
        Identity(
            command="python -m kmidi_lab model=harmony 'paths.cache_dir='\"'\"'/home/me/my cache'\"'\"'' "
            "models_root=/srv/m retrain.recordings=patients/anna predict.midi=/home/me/songs/a.mid seed=1",
            overrides=["paths.cache_dir='/data/x/cache'", "seed=1"],
        ),
        config={
            "paths": {"data_root": "/data", "output_root": "/data/x", "cache_dir": "/data/x/cache", "models_root": "m"},
            "data": {"root": "/data", "note": "4/4, and/or, https://example.org/a/b, ./here/it/is, lmd_full/0/1.mid"},
            "other": "read from C:\\Users\\me\\take.wav and /data2/clip.wav",
        },
    )
    shown = public(run)
    assert shown.identity.command == "python -m kmidi_lab model=harmony 'predict.midi=…/a.mid' seed=1"
    assert shown.identity.overrides == ["paths.cache_dir='$CACHE_DIR'", "seed=1"]
    assert shown.config["paths"] == {
        "data_root": "$DATA_ROOT",
        "output_root": "$OUTPUT_ROOT",
        "cache_dir": "$CACHE_DIR",
        "models_root": "m",
    }
    assert shown.config["data"] == {"root": "$DATA_ROOT", "note": run.config["data"]["note"]}
    assert shown.config["other"] == "read from …/take.wav and …/clip.wav"
    assert run.config["data"]["root"] == "/data"  # the run keeps its own record


def test_no_committed_result_tells_a_path_of_the_machine_that_made_it() -> None:
    release = [p for p in (ROOT / "outputs").glob("release*/*") if p.suffix == ".md" or p.name == "registry.json"]
    files = [ROOT / "README.md", *(ROOT / "docs").rglob("*.json"), ROOT / "docs/RESULTS.md", *release]
    told = [
        f"{path.relative_to(ROOT)}: {line.strip()[:120]}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if MACHINE.search(line)
    ]
    assert not told
