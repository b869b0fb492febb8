"""A bench as CSV: one row for each model and backend, and one for each model that failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kmidi_lab.export.bench.deadlines import BLOCKS, RATES_HZ
from kmidi_lab.report.cells import csv_text

_TIMES = ("first_us", "median_us", "p90_us", "p99_us", "max_us")
_FLOOR = ("weight_bytes", "floor_us", "floor_ratio")
_SHARES = {(block, rate): f"p99_share_{block}_at_{rate}_hz" for block in BLOCKS for rate in RATES_HZ}
COLUMNS = (
    "model",
    "backend",
    *_TIMES,
    "budget_us",
    "within_budget",
    *_FLOOR,
    *_SHARES.values(),
    "calls",
    "flags",
    "version",
    "machine",
    "failed",
)


def bench_csv(report: Mapping[str, Any]) -> str:
    """The rows of bench.json; times in µs, shares of an audio block as 1 = all of it, empty for what isn't there.

    Args:
        report: `machine`, `models` (run.json's `latency` objects by id) and `failed` (reasons by id).
    """
    rows: list[dict[str, Any]] = []
    machine = report["machine"]["id"]
    for model, latency in report["models"].items():
        for name, b in latency["backends"].items():
            shares = {_SHARES[d["block"], d["rate_hz"]]: d["p99_share"] for d in b["deadlines"]}
            row = {"model": model, "backend": name, **{key: b[key] for key in _TIMES}, "calls": latency["frames"]}
            row |= {"budget_us": latency["budget_ms"] * 1000, "within_budget": "yes" if b["within_budget"] else "no"}
            row |= {key: b["memory_floor"][key] for key in _FLOOR}
            rows.append({**row, **shares, "flags": b["flags"], "version": b["version"], "machine": machine})
    for model, reason in report["failed"].items():
        rows.append({"model": model, "machine": machine, "failed": reason})
    return csv_text([COLUMNS, *([row.get(name, "") for name in COLUMNS] for row in rows)], line_end="\n")
