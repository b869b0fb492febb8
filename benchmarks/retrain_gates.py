"""Does task=retrain publish the released groove after users with a taste have answered? For docs/retraining.md.

    python benchmarks/retrain_gates.py DATA_ROOT WORK [--users late,as_is] [--shares 0.3,0.1]

Six users have put three times nine bars in the place of groove's, of takes of the training part: what validates and
tests is not learnt from (task=retrain leaves it out). They play them as the drummers did (`as_is`), or with the snare
25 ms later (`late`). The whole command is run, with its gates.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from retrain import LATE_MS, OUTPUTS

from kmidi_lab import config
from kmidi_lab.data import DataModule
from kmidi_lab.feedback.event import Event, new_id, to_line
from kmidi_lab.targets import build

USERS, TAKES, BARS = 6, 3, 9
_SNARE = 1


def events(settings: list[str], late_ms: float) -> list[Event]:
    """What the users did, the oldest first; each has takes of their own."""
    [cfg] = config.check(["model=groove", "hardware=cpu", *settings], False)
    assert cfg is not None
    data = build(cfg.data, DataModule, [], progress=False)
    data.setup("fit")
    e, rng, out = data.encoded("train"), np.random.default_rng(0), list[Event]()  # type: ignore[attr-defined]
    count = np.maximum(e.hit.sum(2), 1)
    timing, velocity = (part.sum(2) / count for part in (e.centred().timing, e.velocity))
    timing = np.clip(timing + late_ms / (60_000 / 8 / e.bpm)[:, None] * e.hit[:, :, _SNARE], -1, 1)
    answers = np.concatenate([timing, velocity], 1)
    struck, lengths = e.hit.any((1, 2)), np.diff(e.starts)
    takes = rng.permutation(np.flatnonzero(lengths >= BARS))[: USERS * TAKES]
    for user, own in enumerate(np.split(takes, USERS)):
        use = new_id()
        for take in own:
            first = e.starts[take] + int(rng.integers(lengths[take] - BARS + 1))
            for bar in [bar for bar in range(first, first + BARS) if struck[bar]]:
                held = {"input": e.x[bar].tolist(), "changed_to": answers[bar].tolist(), "time": 1_700_000_000 + user}
                out.append(Event(use=use, model="groove", action="changed", **held))
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--users", default="late,as_is")
    parser.add_argument("--shares", default="0.3,0.1")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    settings = [f"data.root={asked.data_root}", f"paths.cache_dir={asked.work / 'cache'}", "data.progress=false"]
    for users in asked.users.split(","):
        file = asked.work / f"{users}.jsonl"
        made = events(settings, LATE_MS if users == "late" else 0.0)
        file.write_bytes(b"".join(to_line(event) for event in made))
        for share in asked.shares.split(","):
            folder = asked.work / f"{users}-{share}"
            words = [
                "task=retrain", "model=groove", f"retrain.feedback={file}", f"retrain.share={share}", "hardware=cpu",
                f"model.init_from={OUTPUTS / 'release'}", f"models_root={folder / 'models'}",
                f"paths.output_root={folder}", "trainer.progress=false",
            ]  # fmt: skip
            done = subprocess.run([sys.executable, "-m", "kmidi_lab", *words, *settings], check=False)
            report = json.loads(max(folder.glob("retrain/groove/*/retrain.json")).read_text(encoding="utf-8"))
            parts = {part: report[part] for part in ("events", "left_out", "held_out", "learnt_from", "dropped")}
            print(f"{users}, share {share}: exit code {done.returncode}, {parts}", flush=True)
            for gate in report["gates"]:
                print(f"  {gate}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
