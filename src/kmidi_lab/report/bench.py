"""What a bench leaves beside its JSON: a CSV with a row for each model and backend, and a picture of how the times
scatter.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kmidi_lab.export.bench.timing import BLOCKS, RATES_HZ, deadline_us
from kmidi_lab.report.formats import csv_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
DPI = 150
WIDTH_IN, HEAD_IN, ROW_IN = 11.0, 1.5, 1.9
_COLOURS = {
    "rtneural": "#0072B2",
    "kmidi_runtime": "#D55E00",
    "onnxruntime_iobinding": "#009E73",
    "onnxruntime": "#E69F00",
    "torch": "#CC79A7",
    "rtneural_stl": "#56B4E9",
}
"""Okabe and Ito's colours, which stay apart for colour-blind readers."""
_BLOCK, _RATE_HZ = 64, 48_000
_INK, _GREY = "#1b1f24", "#5b646e"


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


def jitter_png(models: Mapping[str, Mapping[str, Any]]) -> bytes:
    """`WIDTH_IN` × (`HEAD_IN` + `ROW_IN` a model) inches at `DPI`.

    Args:
        models: run.json's `latency` objects by id, one or more.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with rc_context({"font.size": 11.0, "text.color": _INK, "axes.edgecolor": _GREY}):
        layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.08)
        figure = Figure(figsize=(WIDTH_IN, HEAD_IN + ROW_IN * len(models)), layout=layout)
        rows = figure.subplots(len(models), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (model, latency) in zip(rows, models.items(), strict=True):
            _row(axes, model, latency)
        _axis(rows[-1])
        _legend(figure, models)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=DPI)
    return out.getvalue()


def _row(axes: Axes, model: str, latency: Mapping[str, Any]) -> None:
    axes.set_xscale("log")
    names = [name for name in _COLOURS if name in latency["backends"]]
    for place, name in enumerate(names):
        backend, colour = latency["backends"][name], _COLOURS[name]
        counts, edges = backend["histogram"]["counts"], backend["histogram"]["edges_us"]
        # Bins are as wide as a backend's own spread, so heights are scaled; the root keeps single slow calls visible.
        heights = [(count / max(counts)) ** 0.5 for count in counts]
        axes.stairs(heights, edges, fill=True, color=colour, alpha=0.35)
        axes.stairs(heights, edges, color=colour, linewidth=1.4)
        # Below the histogram, one line for each backend, so that marks never hide each other.
        level = -0.14 * (place + 1)
        axes.plot([backend["median_us"], backend["max_us"]], [level] * 2, color=colour, linewidth=1.2)
        axes.plot([backend["median_us"]], [level], marker="|", markersize=9, markeredgewidth=2.4, color=colour)
        axes.plot([backend["p99_us"]], [level], marker="D", markersize=5, color=colour)
    budget = latency["budget_ms"] * 1000
    axes.axvline(budget, color=_INK, linewidth=1.8)
    axes.axvline(deadline_us(_BLOCK, _RATE_HZ), color=_INK, linewidth=1.4, linestyle=(0, (4, 3)))
    axes.set_ylim(-0.14 * (len(names) + 1), 1.1)
    axes.set_yticks([])
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.set_title(model, loc="left", fontsize=12, fontweight="bold")
    axes.set_title(
        f"budget {latency['budget_ms']:g} ms, {latency['frames']:,} calls", loc="right", fontsize=11, color=_GREY
    )


def _axis(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    # More than three decades have no room for labels between the powers of ten.
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1,) if high / low > 1000 else (1, 2, 5), numticks=40))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda us, _: f"{us / 1000:g} ms" if us >= 1000 else f"{us:g} µs"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("time of one call, logarithmic; height is the square root of the count, by each backend's own peak")


def _legend(figure: Figure, models: Mapping[str, Mapping[str, Any]]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    there = {name for latency in models.values() for name in latency["backends"]}
    deadline = f"block of {_BLOCK} samples at {_RATE_HZ // 1000} kHz"
    backends = [Patch(color=colour, label=name) for name, colour in _COLOURS.items() if name in there]
    marks = [
        Line2D([], [], color=_GREY, marker="|", markersize=9, markeredgewidth=2.4, label="median … slowest call"),
        Line2D([], [], color=_GREY, marker="D", markersize=5, linestyle="", label="99th percentile"),
        Line2D([], [], color=_INK, linewidth=1.8, label="budget"),
        Line2D([], [], color=_INK, linewidth=1.4, linestyle=(0, (4, 3)), label=deadline),
    ]
    figure.legend(handles=backends, loc="outside upper left", ncols=5, frameon=False)
    figure.legend(handles=marks, loc="outside lower left", ncols=4, frameon=False)
