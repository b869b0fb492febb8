"""What drummers add to the groove model's outputs, and whether drawn performances have the spread of real ones.

    DATA_ROOT=… python benchmarks/groove_spread.py [MODELS_ROOT] [SPLIT]

On the validation (or test) takes of the model's own split: the standard deviations within a take, real and drawn,
of velocity by voice and over all voices, and of timing in ms. `backbeat` is that of the snare on 2 or on 4, from bar to
bar, where three in four bars have it, `2 and 4` how far its means on 2 and on 4 are apart. And the parts of a `Spread`
(`models/groove/sampling.py`). Strokes between two steps don't count: they are carried along. Takes with fewer than 64
strokes are left out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from datamodules.groove.module import DrumPerformances
from kmidi_lab.inference.published import default_root, load_published
from kmidi_lab.midi.piece import VOICES
from kmidi_lab.models.groove.evaluation import run
from kmidi_lab.models.groove.features import EncodedPerformances, milliseconds, read_outputs
from kmidi_lab.models.groove.sampling import drawn_timing, drawn_velocities

ON_STEP, FEWEST, DRAWS = 0.5, 64, 16
BACKBEAT, STEADY = (4, 12), 0.75


def main(root: Path | None, split: str) -> None:
    published = load_published(root, "groove") if root else None
    if published is None:
        raise SystemExit("no published groove model; give its MODELS_ROOT")
    cache = os.environ.get("OUTPUT_ROOT", "outputs") + "/cache"
    data = DrumPerformances(os.environ["DATA_ROOT"], cache, **published.entry["data_settings"])
    data.setup()
    e = data.encoded(split)
    print(split)
    report(e, run(published.call, e))


def report(e: EncodedPerformances, outputs: np.ndarray) -> None:
    """Prints the parts of what `outputs` `[N, 32]` leave open, and real and drawn standard deviations."""
    timing, velocity = read_outputs(outputs)
    unit = milliseconds(e.bpm)[:, None, None]
    loud, late = 127 * e.velocity, e.centred().timing * unit
    on = e.hit & (np.abs(e.centred().timing) < ON_STEP)
    rows: dict[str, list[tuple[float, float]]] = {
        name: [] for name in (*VOICES, "all", "backbeat", "2 and 4", "timing")
    }
    parts: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in (*VOICES, "timing")}
    for begin, end in zip(e.starts[:-1], e.starts[1:], strict=True):
        part = slice(begin, end)
        hit, near = e.hit[part], on[part]
        if hit.sum() < FEWEST:
            continue
        row, step, voice = np.nonzero(hit)
        bpm = np.full(len(row), e.bpm[begin])
        drawn, felt = np.zeros((DRAWS, *hit.shape)), np.zeros((DRAWS, *hit.shape))
        for seed in range(DRAWS):
            rng = np.random.default_rng(seed)
            drawn[seed][hit] = drawn_velocities(velocity[part][row, step], row, step, voice, rng)
            felt[seed][hit] = drawn_timing(timing[part][row, step], row, step, bpm, rng) * unit[begin, 0, 0]

        def pair(chosen: np.ndarray, played: np.ndarray = loud[part], made: np.ndarray = drawn) -> tuple[float, float]:
            return float(played[chosen].std()), float(made[:, chosen].std(1).mean())

        for v, name in enumerate(VOICES):
            own = hit & (np.arange(len(VOICES)) == v)
            if own.sum() >= FEWEST / 4:
                rows[name].append(pair(own))
                parts[name].append(residual(loud[part][..., v] - 127 * velocity[part], own[..., v]))
        rows["all"].append(pair(hit))
        backs = [np.zeros_like(hit) for _ in BACKBEAT]
        for back, snare in zip(BACKBEAT, backs, strict=True):
            snare[:, back, VOICES.index("mid")] = hit[:, back, VOICES.index("mid")]
        steady = [snare for snare in backs if snare.sum() >= max(4, STEADY * hit.any((1, 2)).sum())]
        rows["backbeat"] += [pair(snare) for snare in steady]
        if len(steady) == len(BACKBEAT):
            played, made = ([a[..., s].mean(-1) for s in steady] for a in (loud[part], drawn))
            rows["2 and 4"].append((float(abs(played[0] - played[1])), float(np.abs(made[0] - made[1]).mean())))
        rows["timing"].append(pair(near, late[part], felt))
        mean = np.where(near.any(2), (late[part] * near).sum(2) / np.maximum(near.sum(2), 1), 0)
        parts["timing"].append(residual(mean - timing[part] * unit[part, :, 0], near.any(2)))
    for name, values in rows.items():
        real, made = np.mean(values, 0)
        print(f"  {name:8s} real {real:5.1f}  drawn {made:5.1f}  ratio {made / real:.2f}", end="")
        if name in parts:
            level, habit, chance = np.sqrt(np.maximum(np.mean(parts[name], 0)[1:], 0))
            mean = np.mean(parts[name], 0)[0]
            print(f"   mean {mean:+5.1f}  level {level:4.1f}  habit {habit:4.1f}  chance {chance:4.1f}", end="")
        print()


def residual(off: np.ndarray, hit: np.ndarray) -> tuple[float, float, float, float]:
    """Mean of `off` `[T, 16]` where `hit`, its square, and the variances of step means and around them (ANOVA)."""
    mean = off[hit].mean()
    count = hit.sum(0)
    sums = np.where(hit, off - mean, 0).sum(0)
    means = sums / np.maximum(count, 1)
    inner = np.where(hit, off - mean - means, 0)
    played = int((count > 0).sum())
    chance = (inner**2).sum() / max(1, hit.sum() - played)
    habit = (means**2 * count).sum() / hit.sum() - chance * played / hit.sum()
    return float(mean), float(mean**2), float(habit), float(chance)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default_root(), sys.argv[2] if len(sys.argv) > 2 else "val")
