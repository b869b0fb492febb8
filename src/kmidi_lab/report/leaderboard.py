"""The table at the end of a sweep, and the spread over its seeds."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kmidi_lab.export.atomic import write_atomic
from kmidi_lab.report.numbers import decimals, fixed
from kmidi_lab.report.scores import ScoreTable, score_tables

_HEAD = ("job", "overrides", "status", "metric", "value", "best baseline", "its value", "beats it", "error")


def leaderboard(sweep: Path) -> tuple[list[dict[str, str]], dict[str, Any] | None]:
    """(one row a job, best first, failed ones last; mean ± sample standard deviation over the seeds).

    The spread is None when no job ended well or the jobs differ in more than their seed.
    """
    jobs = sorted((p for p in sweep.glob("*") if p.is_dir() and p.name.isdigit()), key=lambda p: int(p.name))
    runs = [(p, _run(p)) for p in jobs]
    good = [run for _, run in runs if run.get("status") == "ok" and run.get("primary")]
    rows = [_row(folder, run) for folder, run in runs]
    sign = -1 if good and good[0]["primary"]["mode"] == "max" else 1
    rows.sort(key=lambda r: (r["status"] != "ok", sign * float(r["value"] or "inf") if r["value"] else 0.0))
    return rows, spread(good)


def spread(runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The `spread` object of run.json over runs that differ in their seed alone."""
    if not runs or len({_identity(run) for run in runs}) > 1:
        return None
    metrics: dict[str, dict[str, dict[str, float | None]]] = {}
    for split, names in runs[0]["metrics"].items():
        metrics[split] = {}
        for name in names:
            values = [run["metrics"][split][name] for run in runs if name in run["metrics"].get(split, {})]
            std = statistics.stdev(values) if len(values) > 1 else None
            metrics[split][name] = {"mean": statistics.fmean(values), "std": std}
    return {"seeds": [run["seed"] for run in runs], "metrics": metrics}


def write_leaderboard(sweep: Path) -> str:
    """Writes leaderboard.csv and leaderboard.md into the sweep's folder; returns the table as text."""
    rows, over = leaderboard(sweep)
    with (sweep / "leaderboard.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, _HEAD)
        writer.writeheader()
        writer.writerows(rows)
    text = _aligned([list(_HEAD), *([row[h] for h in _HEAD] for row in rows)])
    if over and len(over["seeds"]) > 1:
        lines = []
        for split, metrics in over["metrics"].items():
            places = decimals([m["mean"] for m in metrics.values() if m["mean"] < 100])
            parts = [f"{n} {fixed(m['mean'], places)} ± {fixed(m['std'], places)}" for n, m in metrics.items() if n != "events"]
            lines.append(f"{split}: {', '.join(parts)}")
        text += f"\nmean ± standard deviation over seeds {', '.join(map(str, over['seeds']))}\n" + "\n".join(lines)
    write_atomic(sweep / "leaderboard.md", f"```\n{text}\n```\n".encode())
    return f"{text}\nsweep: {sweep}"


def scores_table(metrics: Mapping[str, Any], baselines: Mapping[str, Any]) -> str:
    """Metrics beside baselines as plain text, split by split."""
    run = {"model": "model", "metrics": metrics, "baselines": baselines}
    return "\n".join(_plain(t) for t in score_tables(run))


def _plain(scores: ScoreTable) -> str:
    lines = [["", *scores.headings], *([r.name, *(c.text for c in r.cells)] for r in scores.rows)]
    return f"\n{scores.split} ({scores.counted})\n{_aligned(lines)}"


def _aligned(lines: list[list[str]]) -> str:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def _run(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "run.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {"status": "no result"}


def _row(folder: Path, run: Mapping[str, Any]) -> dict[str, str]:
    primary = run.get("primary") or {}
    found = {
        "metric": f"{primary.get('split')} {primary.get('metric')}" if primary else "",
        "value": f"{primary['value']:.4f}" if primary else "",
        "best baseline": str(primary.get("best_baseline", "")),
        "its value": f"{primary['best_baseline_value']:.4f}" if primary else "",
        "beats it": ("yes" if primary["beats_baselines"] else "no") if primary else "",
    }
    return {
        "job": folder.name,
        "overrides": _overrides(folder),
        "status": str(run.get("status")),
        **found,
        "error": str(run.get("error") or ""),
    }


def _overrides(folder: Path) -> str:
    path = folder / ".hydra" / "overrides.yaml"
    if not path.is_file():
        return ""
    return " ".join(line.removeprefix("- ").strip() for line in path.read_text(encoding="utf-8").splitlines())


def _identity(run: Mapping[str, Any]) -> str:
    config = {k: v for k, v in run.get("config", {}).items() if k not in ("seed", "paths")}
    return json.dumps([run.get("model"), config, run["data"]["version"]], sort_keys=True)
