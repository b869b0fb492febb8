"""What the benchmarks of retraining have in common: draws of users with one seed after the other, kept and shown."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

World = TypeVar("World")
Result = dict[str, list[dict[str, float]]]
"""By group, a row of figures for each draw."""


def main(
    name: str,
    about: str | None,
    world: Callable[[Path, Path], World],
    users: Callable[[World, int, list[int], Result], None],
    raters: Callable[[World, int, Result], None],
    sizes: str,
) -> int:
    """DATA_ROOT, WORK, --seeds and --sizes as typed; writes `<name>.json` in WORK after each seed.

    Args:
        name: the model's.
        about: the benchmark's help.
        world: makes of both folders what the others are given.
        users: adds the rows of one seed, of users with so many labels.
        raters: the same of raters who mean harm.
        sizes: numbers of labels, with commas between.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sizes", default=sizes)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.work.mkdir(parents=True, exist_ok=True)
    made, out = world(asked.data_root, asked.work), Result()
    for seed in range(1, asked.seeds + 1):
        users(made, seed, [int(size) for size in asked.sizes.split(",")], out)
        raters(made, seed, out)
        (asked.work / f"{name}.json").write_text(json.dumps(out, indent=1), encoding="utf-8")
        print(f"seed {seed}", flush=True)
    show(name, out)
    return 0


def show(name: str, result: Result) -> None:
    """Mean and standard deviation of each figure over the draws."""
    for group, rows in result.items():
        for key in rows[0]:
            values = [row[key] for row in rows]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            print(f"{name} | {group} | {key} | {statistics.fmean(values):.4g} ± {spread:.2g}", flush=True)
