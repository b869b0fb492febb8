"""Does the released AudioFeelAnalyzer gain from tempos of a collection that it hears at half or double?

    python benchmarks/retrain_tempos.py DATA_ROOT WORK [--seeds 5] [--sizes 10,20,40] [--train 40] [--composers Bach]

For docs/retraining.md. The collection: fifteen seconds each of ASAP's piano performances, which no part of the
release's data holds, through FluidR3_GM, which it was not trained on. A musician taps the beats that ASAP marks. Of
each seed half of the pieces are asked about, the others are labelled. The frozen test is all of the release's; replayed
are excerpts through TimGM6mb of `--train` scores of Groove MIDI, as many of POP909 and of music by rule. `crowd`: four
users who each type what no other does. `raters`: ten of four recordings each, two of whom tap half of what is played, or
type 120 for all.

So that many draws are affordable, an excerpt is what a lesson holds, the mean of what stands before the last layer, for
the original data, too. task=retrain hears random stretches of them, frame by frame. The gates are those of
task=retrain.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from retrain import OUTPUTS, SHARE, STEPS
from retrain_draws import Result, show

from datamodules.feel import library
from datamodules.feel.excerpts import AMOUNTS, SECONDS, rendered
from datamodules.feel.scores import Score
from datamodules.shared.rendering import parts_of
from kmidi_lab import config
from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.feel.decoding import BEAT, PLACES, WARM_UP, beat_activation, inside, repeats_of, tempo_chances
from kmidi_lab.models.feel.features import Excerpt, bin_of, bpm_of
from kmidi_lab.models.feel.feedback import TempoFeedback
from kmidi_lab.models.feel.losses import tempo_losses
from kmidi_lab.models.feel.scores import NEAR
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.schedule import one_cycle
from kmidi_lab.nn.streaming import TorchModel
from kmidi_lab.retraining import gates
from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.opening import opened
from kmidi_lab.retraining.raters import event_weights, rated
from kmidi_lab.scoring.metrics import softmax

SOURCES, SOFTEST = ("groove_midi", "pop909", "rules"), 30.0
FONT, BATCH, PLACES_OF = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), 16, (0.15, 0.6)
STEADY, FEWEST_NOTES = 0.12, 20
"""Of the beats' lengths, the standard deviation as a share of the mean, above which there is no one tempo to tap."""
Heard = dict[str, NDArray[Any]]


def performances(root: Path, composers: Sequence[str]) -> list[Score]:
    """Two stretches of the first performance of each piece whose beats are steady there and that the bins hold."""
    with (root / "asap" / "metadata.csv").open(encoding="utf-8") as file:
        rows = {row["midi_score"]: row for row in reversed(list(csv.DictReader(file))) if row["composer"] in composers}
    out = []
    for name, row in sorted(rows.items()):
        marked = (root / "asap" / row["performance_annotations"]).read_text().splitlines()
        beats = np.array([float(line.split()[0]) for line in marked])
        parts = tuple(parts_of(read_piece(root / "asap" / row["midi_performance"])))
        whole = Score(row["title"], "asap", name, parts, beats, beats[:0])
        for place in PLACES_OF:
            cut = whole.stretch(place * beats[-1], SECONDS)
            notes, lengths = sum(len(part.notes) for part in cut.parts), np.diff(cut.beats)
            if len(lengths) < 3 or notes < FEWEST_NOTES or not inside(60 / float(np.median(lengths))):
                continue
            if lengths.std() <= STEADY * lengths.mean():
                out.append(Score(f"{name} {place}", "asap", name, cut.parts, cut.beats, beats[:0]))
    return out


def original(data_root: Path, work: Path, train: int) -> dict[str, list[Excerpt]]:
    """The release's test, and excerpts of so many training scores of each source; validation is not rendered."""
    AMOUNTS.update({name: amounts._replace(each=1, train=train) for name, amounts in AMOUNTS.items()})
    cut = library.excerpts
    library.excerpts = lambda *asked: (score for score in cut(*asked) if score.split != "val")
    loaded = library.load(data_root, work / f"cache_{train}", SOURCES, 1.0, 0, (), str(FONT), None, SOFTEST, 2, False)
    return {part: [song for song in loaded.songs if song.split == part] for part in ("test", "train")}


class World:
    """The release and what it hears of its own data and of the collection."""

    def __init__(self, data_root: Path, work: Path, train: int, composers: str) -> None:
        [cfg] = config.check(["model=feel", "hardware=cpu"], False)
        self.open = opened(cfg, OUTPUTS / "release")  # type: ignore[arg-type]
        assert isinstance(self.open.training, TempoFeedback)
        self.training, self.base = self.open.training, self.open.module
        trunk, self.last = self.training.layers(self.base)
        self.trunk, kept = TorchModel(trunk), work / f"heard_{composers}_{train}.npz"
        if not kept.is_file():
            np.savez(kept, **self._heard(data_root, work, train, composers))  # type: ignore[arg-type]
        self.of: Heard = dict(np.load(kept))
        for name in ("own", "test", "train"):
            print(f"{name}: {len(self.of[f'{name}_x'])} excerpts with a tempo", flush=True)

    def _heard(self, data_root: Path, work: Path, train: int, composers: str) -> Heard:
        own = rendered(performances(data_root, composers.split(",")), FONT, 2, False)
        parts = original(data_root, work, train)
        out: Heard = {}
        for name, songs in (("own", own), *parts.items()):
            there = [song for song in songs if inside(song.tempo)]
            out[f"{name}_x"] = np.stack([self._lesson(song) for song in there])
            out[f"{name}_y"] = np.array([bin_of(song.tempo or 1.0) for song in there])
            out[f"{name}_g"] = np.array([song.group for song in there])
        return out

    def _lesson(self, song: Excerpt) -> NDArray[Any]:
        [frames] = adapted_sounds([song.frames])
        hidden = self.trunk.fresh(frames[None])[0]
        with torch.inference_mode():
            beats = self.last(torch.from_numpy(hidden))[:, BEAT].numpy()
        return np.concatenate([hidden[WARM_UP:].mean(0), repeats_of(beat_activation(beats))]).astype(np.float32)

    def lessons(self, rows: NDArray[Any], places: NDArray[Any], rater: NDArray[Any] | None = None) -> Lessons:
        rater = np.zeros(len(rows), int) if rater is None else rater
        return Lessons(self.of["own_x"][rows], places[:, None], rater, tuple(map(str, range(rater.max() + 1))), {})

    def retrained(self, lessons: Lessons, weights: NDArray[Any], seed: int) -> LabModule:
        torch.manual_seed(seed)
        rng, module = np.random.default_rng(seed), copy.deepcopy(self.base)
        _, last = self.training.layers(module)
        optimizer = torch.optim.AdamW(last.parameters(), lr=self.training.RATE, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, one_cycle(STEPS))
        own, true = (torch.from_numpy(self.of[f"train_{part}"]).float() for part in "xy")
        count = round(BATCH * SHARE / (1 - SHARE))
        for _ in range(STEPS):
            first, more = rng.integers(len(own), size=BATCH), rng.choice(len(lessons), count, p=weights / weights.sum())
            x = torch.cat([own[first], torch.from_numpy(lessons.x[more])])
            goal = torch.cat([true[first], torch.from_numpy(lessons.targets[more, 0]).float()])
            optimizer.zero_grad()
            tempo_losses(self.training.said(module, x), goal).mean().backward()
            optimizer.step()
            schedule.step()
        return module

    def told(self, module: LabModule, x: NDArray[Any]) -> NDArray[Any]:
        """Tempos `[N]` as task=predict tells them, but for the last step, by the beats' mean distance."""
        chances = tempo_chances(softmax(self.training.outputs(module, x)), x[:, -len(PLACES) :].astype(np.float64))
        return np.array([bpm_of(place) for place in PLACES[chances.argmax(1)]])

    def judged(
        self, module: LabModule, rows: NDArray[Any], seed: int, said: NDArray[Any] | None = None
    ) -> dict[str, float]:
        """Accuracy and loss before and after, of held-out recordings and of the frozen test, and whether the gates
        pass.

        `said`: the places that those who are held out say, which the gate goes by; None is the truth.
        """
        row: dict[str, float] = {}
        losses: dict[str, list[NDArray[Any]]] = {}
        own, test = (self.of["own_x"][rows], self.of["own_y"][rows]), (self.of["test_x"], self.of["test_y"])
        for name, (x, places) in {
            "own": own,
            "frozen": test,
            "said": (own[0], own[1] if said is None else said),
        }.items():
            true = np.array([bpm_of(place) for place in places])
            for when, one in (("release", self.base), ("retrained", module)):
                each = self.training.losses(self.training.outputs(one, x), {}, x, places[:, None])
                losses.setdefault(name, []).append(each)
                if name != "said":
                    ratio = self.told(one, x) / true
                    row[f"{name} accuracy, {when}"] = float(np.mean(np.abs(ratio - 1) <= NEAR))
                    row[f"{name} loss, {when}"] = float(each.mean())
        places = np.arange(len(rows))
        first = gates.not_worse(*losses["frozen"], np.ones(len(test[1])), 0.01, seed)
        second = gates.better(*losses["said"], 0 * places, places, places, np.ones(len(rows)), seed)
        return row | {"test gate": float(first.passed), "feedback gate": float(second.passed)}


def collection(world: World, seed: int, sizes: list[int], out: Result) -> None:
    """Labels of half of the pieces, beside one factor for all tempos that the release tells, chosen by the labels."""
    rng, pieces, places = np.random.default_rng(seed), world.of["own_g"], world.of["own_y"]
    held = np.isin(pieces, (names := rng.permutation(np.unique(pieces)))[: len(names) // 2])
    rows, rest = rng.permutation(np.flatnonzero(~held)), np.flatnonzero(held)
    ratio = world.told(world.base, world.of["own_x"]) / np.array([bpm_of(place) for place in places])
    for size in [n for n in sizes if n <= len(rows)]:
        taken = rows[:size]
        module = world.retrained(world.lessons(taken, places[taken]), np.ones(size), seed)
        right = {factor: np.abs(ratio * factor - 1) <= NEAR for factor in (1.0, 0.5, 2.0)}
        factor = max(right, key=lambda f: right[f][taken].mean())
        row = world.judged(module, rest, seed) | {"own accuracy, one factor": float(right[factor][rest].mean())}
        out.setdefault(f"{size} labels", []).append(row)
    taken = rows[: max(sizes)]
    said = rng.permutation(places)[: len(places)]
    module = world.retrained(world.lessons(taken, said[taken], np.arange(len(taken)) % 4), np.ones(len(taken)), seed)
    out.setdefault("crowd", []).append(world.judged(module, rest, seed, said[rest]))


def raters(world: World, seed: int, out: Result) -> None:
    """Ten users of four recordings each."""
    rng, places = np.random.default_rng(seed), world.of["own_y"]
    rows = rng.permutation(len(places))
    own, rest = rows[:40], rows[40:]
    rater, octave = np.arange(len(own)) % 10, bin_of(100.0)
    for kind in ("none", "half", "always 120"):
        said = places[own] - octave * ((rater >= 8) & (kind == "half") & (places[own] >= octave))  # none below 50
        said[(rater >= 8) & (kind == "always 120")] = bin_of(120.0)
        lessons = world.lessons(own, said, rater)
        trust = np.array([one.weight for one in rated(world.base, world.training, lessons, seed)])
        for way, weights in (("with trust", trust), ("without", np.ones(10))):
            module = world.retrained(lessons, event_weights(lessons, weights), seed)
            row = {"trust honest": float(trust[:8].mean()), "trust of the two": float(trust[8:].mean())}
            out.setdefault(f"raters: {kind}, {way}", []).append(row | world.judged(module, rest, seed))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sizes", default="10,20,40")
    parser.add_argument("--train", type=int, default=40)
    parser.add_argument("--composers", default="Bach")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.work.mkdir(parents=True, exist_ok=True)
    world, out = World(asked.data_root, asked.work, asked.train, asked.composers), Result()
    for seed in range(1, asked.seeds + 1):
        collection(world, seed, [int(size) for size in asked.sizes.split(",")], out)
        raters(world, seed, out)
        (asked.work / "tempos.json").write_text(json.dumps(out, indent=1), encoding="utf-8")
    show("feel", out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
