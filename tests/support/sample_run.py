"""The record of a harmony run, with believable numbers, and its learning curves."""

from __future__ import annotations

import copy
import math
import random
from typing import Any

from kmidi_lab.export.bench.timing import deadlines
from kmidi_lab.run_file import parse
from kmidi_lab.run_record import RunRecord

DEGREES = ["I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII"]
QUALITIES = ["major", "minor", "dim", "aug", "dom7", "maj7", "min7", "dim7"]
_NAMES = ("nll", "perplexity", "top1", "top3", "ece", "root_top1")


def _scores(perplexity: float, top1: float, top3: float, ece: float, root: float) -> dict[str, float]:
    return dict(zip(_NAMES, (math.log(perplexity), perplexity, top1, top3, ece, root), strict=True))


def _confusion(labels: list[str], frequent: list[int], right: float) -> dict[str, Any]:
    draw = random.Random(len(labels))
    counts = []
    for row, total in enumerate(frequent):
        picks = [row if draw.random() < right else draw.choices(range(len(labels)), frequent)[0] for _ in range(total)]
        counts.append([picks.count(column) for column in range(len(labels))])
    return {"labels": labels, "counts": counts}


def _backend(median: float, p99: float, version: str, flags: str = "") -> dict[str, Any]:
    draw = random.Random(version)
    times = sorted(median * math.exp(draw.gauss(0, math.log(p99 / median) / 2.4)) for _ in range(2000))
    low, high = math.log(times[0]), math.log(times[-1] * 1.0001)
    edges = [math.exp(low + (high - low) * n / 30) for n in range(31)]
    counts = [sum(a <= t < b for t in times) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    shape = {"edges_us": edges, "counts": counts}
    percentiles = {"median_us": median, "p90_us": (median + p99) / 2, "p99_us": p99, "max_us": times[-1] * 1.4}
    timing = {"first_us": median * 40, **percentiles, "mean_us": median * 1.04}
    floor = {"weight_bytes": 395060, "bandwidth_gb_s": 98.8, "floor_us": 4.0, "floor_ratio": median / 4.0}
    blocks = deadlines(p99, percentiles["max_us"])
    how = {"within_budget": True, "version": version, "flags": flags, "histogram": shape}
    return {**timing, **how, "memory_floor": floor, "deadlines": blocks}


_RUN: dict[str, Any] = {
    "schema": 2,
    "identity": {
        "run_id": "20261122-203000-123-ab12",
        "model": "harmony",
        "id": "harmonypredictor",
        "contract_version": "1",
        "command": "python -m kmidi_lab model=harmony hardware=cpu seed=1",
        "overrides": ["model=harmony", "hardware=cpu", "seed=1"],
        "seed": 1,
        "status": "ok",
        "error": None,
        "started_at": "2026-11-22T20:30:00+00:00",
        "finished_at": "2026-11-22T20:31:33+00:00",
        "duration_seconds": 93.1,
    },
    "code": {
        "git_commit": "3f9c1d2ab8e04417a6c55d90f2b7e1c48d3390aa",
        "git_dirty": True,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "versions": {
            "python": "3.11.7",
            "torch": "2.11.0",
            "lightning": "2.6.6",
            "numpy": "2.4.1",
            "kmidi_lab": "0.1.0",
        },
    },
    "machine": {
        "hostname": "bench-3",
        "platform": "Linux-6.1-x86_64",
        "cpu": "AMD EPYC 9254",
        "cores": 2,
        "memory_gb": 15.6,
    },
    "hardware": {
        "name": "cpu",
        "accelerator": "cpu",
        "devices": 1,
        "precision": "32-true",
        "notes": ["hardware=mps is not available here; fell back to cpu with MPS's limits"],
    },
    "data": {
        "id": "chord_db",
        "version": "sha256:4f1c22d09ab37e15",
        "stand_in": None,
        "licence": "MIT; CC BY 4.0",
        "sources": [
            {
                "name": "jazz_standards",
                "licence": "MIT",
                "songs": 1096,
                "events": 45012,
                "skipped": 3,
                "note": "keys as given",
            },
            {"name": "pop909", "licence": "MIT", "songs": 886, "events": 92410, "skipped": 23, "note": ""},
            {
                "name": "music21_corpus",
                "licence": "per piece; see the music21 corpus",
                "songs": 68,
                "events": 8112,
                "skipped": 0,
                "note": "Roman numeral analyses",
            },
        ],
        "split": {
            "rule": "by song and distinct progression, hash of the group",
            "seed": 0,
            "train": {"songs": 1640, "events": 116420},
            "val": {"songs": 205, "events": 14603},
            "test": {"songs": 205, "events": 14511},
        },
        "problems": {"unreadable chord symbol": 14, "no key": 9, "fewer than 8 chords": 3},
    },
    "training": {
        "epochs": 30,
        "batch_size": 256,
        "learning_rate": 0.002,
        "optimizer": "adamw",
        "loss": "cross_entropy",
        "train_loss": 1.803,
        "val_loss": 1.951,
        "test_loss": 1.963,
        "best_epoch": 22,
        "seconds": 41.0,
    },
    "network": {"params": 98765, "arch": "128→256→128→64"},
    "scores": {
        "metrics": {
            "test": {
                **_scores(7.121, 0.524, 0.705, 0.021, 0.611),
                "root_slice_top1": 0.594,
                "quality_slice_top1": 0.688,
                "bass_top1": 0.571,
                "voice_leading_mae": 0.842,
                "events": 14511,
            },
            "test/jazz_standards": {**_scores(7.384, 0.517, 0.698, 0.024, 0.603), "events": 4480},
            "test/pop909": {**_scores(6.871, 0.531, 0.712, 0.019, 0.618), "events": 9214},
            "test/music21_corpus": {**_scores(9.642, 0.441, 0.633, 0.043, 0.522), "events": 817},
        },
        "baselines": {
            "test": {
                "majority": _scores(31.412, 0.108, 0.274, 0.004, 0.182),
                "circle_of_fifths": _scores(24.873, 0.231, 0.402, 0.051, 0.318),
                "bigram": _scores(13.205, 0.388, 0.584, 0.033, 0.471),
                "4-gram": _scores(10.694, 0.455, 0.653, 0.046, 0.533),
                "4-gram+cache": _scores(8.302, 0.540, 0.734, 0.038, 0.607),
            },
            "test/jazz_standards": {
                "4-gram+cache": _scores(8.611, 0.528, 0.722, 0.041, 0.598),
                "4-gram of jazz_standards only": _scores(9.977, 0.471, 0.668, 0.049, 0.549),
            },
            "test/pop909": {"4-gram+cache": _scores(7.994, 0.546, 0.741, 0.036, 0.612)},
            "test/music21_corpus": {"4-gram+cache": _scores(9.588, 0.452, 0.640, 0.052, 0.530)},
        },
        "primary": {
            "metric": "perplexity",
            "mode": "min",
            "split": "test",
            "value": 7.121,
            "best_baseline": "4-gram+cache",
            "best_baseline_value": 8.302,
            "beats_baselines": True,
            "also": [
                {
                    "metric": "top1",
                    "mode": "max",
                    "split": "test",
                    "value": 0.524,
                    "best_baseline": "4-gram+cache",
                    "best_baseline_value": 0.540,
                    "beats_baselines": False,
                }
            ],
        },
        "directions": {
            **dict.fromkeys(("nll", "perplexity", "ece", "voice_leading_mae"), "min"),
            **dict.fromkeys(("top1", "top3", "root_top1"), "max"),
            **dict.fromkeys(("root_slice_top1", "quality_slice_top1", "bass_top1"), "max"),
        },
    },
    "analysis": {
        "confusions": {
            "root": _confusion(DEGREES, [3120, 140, 1480, 260, 610, 1890, 95, 2640, 330, 980, 410, 120], 0.55),
            "quality": _confusion(QUALITIES, [4200, 1650, 90, 30, 3100, 1120, 2260, 240], 0.6),
        },
        "reliability": {
            "confidence": [0.1, 0.17, 0.23, 0.3, 0.37, 0.43, 0.5, 0.57, 0.63, 0.7, 0.77, 0.83, 0.9, 0.97],
            "accuracy": [0.08, 0.16, 0.24, 0.31, 0.35, 0.42, 0.52, 0.55, 0.64, 0.69, 0.75, 0.8, 0.88, 0.95],
            "share": [0.02, 0.05, 0.09, 0.11, 0.1, 0.09, 0.08, 0.08, 0.07, 0.07, 0.06, 0.06, 0.06, 0.06],
        },
        "notes": [{"title": "Does knowing the emotion help?", "text": "By 0.110 nats (−0.162 to −0.057): it helps."}],
    },
    "spread": {
        "seeds": [1, 2, 3],
        "metrics": {
            "test": {
                "perplexity": {"mean": 7.133, "std": 0.046},
                "top1": {"mean": 0.523, "std": 0.0021},
                "top3": {"mean": 0.704, "std": 0.0017},
                "voice_leading_mae": {"mean": 0.847, "std": 0.006},
            }
        },
    },
    "export": {
        "models_root": "outputs/models",
        "files": {
            "harmonypredictor.onnx": {"sha256": "aa11" * 16, "bytes": 397412},
            "harmonypredictor.json": {"sha256": "bb22" * 16, "bytes": 1204418},
            "harmonypredictor.head.json": {"sha256": "cc33" * 16, "bytes": 38110},
        },
        "stored_params": 290035,
        "parity": {"onnx": 1.2e-6, "rtneural_reader": 2.1e-6, "rtneural": None, "tolerance": 1e-4, "calls": 4096},
        "latency": {
            "budget_ms": 3.0,
            "frames": 5000,
            "threads": 1,
            "pinned_core": 1,
            "backends": {
                "torch": _backend(41.2, 96.4, "2.11.0"),
                "onnxruntime": _backend(9.73, 17.8, "1.32.0"),
                "onnxruntime_iobinding": _backend(6.61, 12.4, "1.32.0", "IOBinding"),
            },
            "not_measured": {"rtneural": "RTNEURAL_RUNNER is not set"},
        },
        "status": "trained",
        "reason": "beats every baseline on perplexity",
    },
}


def sample_json() -> dict[str, Any]:
    """What its run.json holds; a fresh copy that a test may change."""
    return copy.deepcopy(_RUN)


def sample_run() -> RunRecord:
    """A fresh record that a test may change."""
    return parse(sample_json())


def sample_curves() -> list[dict[str, float]]:
    """Sparse rows: training and validation are logged on lines of their own."""
    rows = []
    for epoch in range(30):
        fall = math.exp(-epoch / 6)
        step = 455 * (epoch + 1)
        val = 1.951 + 1.1 * fall + 0.004 * max(0, epoch - 22)
        rows.append({"epoch": epoch, "step": step, "train/loss": 1.78 + 1.5 * fall})
        rows.append({"epoch": epoch, "step": step, "val/loss": val, "val/perplexity": math.exp(val)})
    return [*rows, {"epoch": 30, "step": 13650, "test/loss": 1.963}]
