"""How fast should AudioFeelAnalyzer learn tempos? Chosen without the frozen test, on halves of the replayed excerpts.

    python benchmarks/retrain_tempos_rates.py DATA_ROOT WORK [--seeds 10] [--labels 20]

For docs/notes/feel.md; material and WORK are those of `retrain_tempos.py`. Of each seed one half of the excerpts of the
training part is replayed and the other scored as the frozen test would be; pieces are held out as there. Replayed are
true tempos, or the answers of the release itself.
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from retrain import STEPS
from retrain_tempos import BATCH, World

from kmidi_lab.models.feel.losses import tempo_losses
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.schedule import one_cycle
from kmidi_lab.retraining import gates

TRIED = (
    *((rate, share, 1.0) for rate in (5e-5, 1e-4, 1.5e-4, 2e-4, 3e-4) for share in (0.3, 0.5, 0.7)),
    (3e-4, 0.15, 1.0), (3e-4, 0.3, 0.0), (3e-4, 0.5, 0.0), (1e-3, 0.3, 0.0), (1e-3, 0.3, 0.5),
)  # fmt: skip
"""Peak of the rate, share of feedback, and how far the replayed targets are true and not the release's own."""


def learnt(
    world: World, replayed: NDArray[np.integer], taken: NDArray[np.integer], how: tuple[float, float, float], seed: int
) -> LabModule:
    """The release after STEPS steps on labels of the collection and on what is replayed."""
    (rate, share, true), rng, module = how, np.random.default_rng(seed), copy.deepcopy(world.base)
    _, last = world.training.layers(module)
    optimizer = torch.optim.AdamW(last.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, one_cycle(STEPS))
    x, y = (torch.from_numpy(world.of[f"train_{part}"][replayed]).float() for part in "xy")
    new_x, new_y = (torch.from_numpy(world.of[f"own_{part}"][taken]).float() for part in "xy")
    with torch.no_grad():
        released = world.training.said(world.base, x).softmax(-1)
    for _ in range(STEPS):
        first = rng.integers(len(x), size=BATCH)
        more = rng.choice(len(new_x), max(1, round(BATCH * share / (1 - share))))
        logits = world.training.said(module, x[first])
        kept = -(released[first] * logits.log_softmax(-1)).sum(-1)
        old = true * tempo_losses(logits, y[first]) + (1 - true) * kept
        loss = torch.cat([old, tempo_losses(world.training.said(module, new_x[more]), new_y[more])]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return module


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--labels", type=int, default=20)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    world = World(asked.data_root, asked.work, 40, "Bach")
    rows: dict[tuple[float, float, float], list[list[float]]] = {}
    for seed in range(1, asked.seeds + 1):
        rng = np.random.default_rng(seed)
        order, pieces = rng.permutation(len(world.of["train_x"])), world.of["own_g"]
        names = rng.permutation(np.unique(pieces))
        held = np.isin(pieces, names[: len(names) // 2])
        taken = rng.permutation(np.flatnonzero(~held))[: asked.labels]

        def losses(module: LabModule, part: str, rows: NDArray[np.integer]) -> NDArray[np.floating]:
            x, places = world.of[f"{part}_x"][rows], world.of[f"{part}_y"][rows]
            return world.training.losses(world.training.outputs(module, x), {}, x, places[:, None])

        scored, others = order[1::2], np.flatnonzero(held)
        before, own = losses(world.base, "train", scored), losses(world.base, "own", others)
        each, one = np.arange(len(own)), np.ones(len(own))
        for how in TRIED:
            module = learnt(world, order[::2], taken, how, seed)
            after, new = losses(module, "train", scored), losses(module, "own", others)
            first = gates.not_worse(before, after, np.ones(len(before)), 0.01, seed)
            second = gates.better(own, new, 0 * each, each, each, one, seed)
            row = [after.mean() - before.mean(), first.bound / before.mean(), new.mean() - own.mean()]
            rows.setdefault(how, []).append([*row, first.passed and second.passed])
    print("rate, share, true | scored half | bound, share of the loss | held-out pieces | draws that pass both gates")
    for how, each_seed in rows.items():
        scored_half, bound, pieces_held, passed = np.mean(each_seed, axis=0)
        print(
            f"{how} | {scored_half:+.3f} | {bound:+.1%} | {pieces_held:+.3f} | {passed * asked.seeds:.0f}", flush=True
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
