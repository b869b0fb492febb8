"""The report's figures, each a pure function from numbers to one SVG element.

Matplotlib draws them in the page's colours and font, with no ids that clash with another figure's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kmidi_lab.report.curves import Line
from kmidi_lab.report.formats import decimals, fixed, microseconds, percent
from kmidi_lab.report.svg import ACCENT, BASE, HEAT, INK, MUTED, RULE, WARN, figure, to_svg
from kmidi_lab.run_analysis import Reliability
from kmidi_lab.run_export import Timing


def learning_curve(metric: str, lines: Mapping[str, Line], best_epoch: float | None) -> str:
    """Training in grey, validation in the accent colour, each named where it ends."""
    from matplotlib.ticker import MaxNLocator

    fig, ax = figure(4.9, 2.5)
    colours = {"train": BASE, "val": ACCENT}
    for stage, (epochs, values) in lines.items():
        ax.plot(
            epochs, values, color=colours[stage], linewidth=1.6, marker="o" if len(epochs) == 1 else "", label=stage
        )
    ends = {stage: values[-1] for stage, (_, values) in lines.items()}
    upper = max(ends, key=lambda stage: ends[stage])
    low, high = ax.get_ylim()
    clash = len(ends) > 1 and max(ends.values()) - min(ends.values()) < 0.1 * (high - low)
    for stage, (epochs, values) in lines.items():
        side = "center" if not clash else "bottom" if stage == upper else "top"
        ax.annotate(
            stage,
            (epochs[-1], values[-1]),
            (5, 0),
            textcoords="offset points",
            color=INK,
            va=side,
            annotation_clip=False,
        )
    if best_epoch is not None:
        ax.axvline(best_epoch, color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)))
        ax.annotate(
            f"best, epoch {best_epoch:g}",
            (best_epoch, 1),
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=MUTED,
            fontsize=8.5,
            ha="center",
            va="bottom",
        )
    ax.yaxis.grid(True, color=RULE, linewidth=0.6)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel("epoch")
    return to_svg(fig, f"curve-{metric}", f"Learning curve of {metric}: {', '.join(lines)}")


def bars(metric: str, own: str, values: Mapping[str, float], mode: str) -> str:
    """The model among its baselines, best on top; the axis starts at zero so that lengths are true."""
    names = sorted(values, key=lambda n: values[n], reverse=mode == "min")
    places = decimals(values.values())
    fig, ax = figure(4.9, 0.5 + 0.27 * len(names))
    containers = ax.barh(
        names, [values[n] for n in names], color=[ACCENT if n == own else BASE for n in names], height=0.62
    )
    ax.bar_label(containers, [fixed(values[n], places) for n in names], padding=4, color=INK, fontsize=8.5)
    ax.margins(x=0.12, y=0.02)
    ax.tick_params(axis="y", labelcolor=INK)
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)
    return to_svg(fig, f"bars-{metric}", f"{metric} of {own} beside its baselines")


def confusion(name: str, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Shade is the share of the row, the figure is the count, the last column what was right of the row."""
    n = len(labels)
    fig, ax = figure(0.9 + 0.4 * n, 0.6 + 0.3 * n)
    for row, line in enumerate(counts):
        total = sum(line)
        for column, count in enumerate(line):
            if not count:
                continue
            share = count / total
            ax.fill_between(
                [column - 0.47, column + 0.47], row - 0.46, row + 0.46, facecolor=HEAT, alpha=share, linewidth=0
            )
            text = str(count) if count < 10_000 else f"{count / 1000:.0f}k"
            colour = INK if row == column or share > 0.15 else MUTED
            ax.text(column, row, text, ha="center", va="center", fontsize=7.5, color=colour)
        right = percent(line[row] / total, 0) if total else "–"
        ax.text(n - 0.3, row, right, ha="left", va="center", fontsize=8, color=INK)
    ax.set_xlim(-0.5, n + 0.6)
    ax.set_ylim(n - 0.5, -0.5)
    plain = [label.replace("$", r"\$") for label in labels]  # no formula
    ax.set_xticks(range(n), plain)
    ax.set_yticks(range(n), plain)
    ax.tick_params(axis="x", length=0, labeltop=True, labelbottom=False, labelcolor=INK)
    ax.tick_params(axis="y", labelcolor=INK)
    ax.set_ylabel("true")
    ax.set_xlabel("predicted", loc="left")
    ax.xaxis.set_label_position("top")
    ax.spines[:].set_visible(False)
    return to_svg(fig, f"confusion-{name}", f"Confusion matrix of {name}; rows true, columns predicted")


def latency(backends: Mapping[str, Timing], budget_us: float | None) -> str:
    """One histogram a backend on a shared logarithmic axis; heights are square roots, or the tail would vanish beside
    the peak.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    backends_shown = {name: (b, b.histogram) for name, b in backends.items() if b.histogram}
    fig, ax = figure(7.6, 0.65 + 0.62 * len(backends_shown))
    ax.set_xscale("log")
    for place, (backend, histogram) in enumerate(backends_shown.values()):
        floor = float(len(backends_shown) - 1 - place)
        edges, counts = histogram.edges_us, histogram.counts
        peak = max(max(counts), 1)
        heights = [floor + 0.68 * (c / peak) ** 0.5 for c in counts]
        ax.stairs(heights, edges, baseline=floor, fill=True, color=BASE)
        ax.axhline(floor, color=RULE, linewidth=0.6)
        for us, colour in ((backend.median_us, ACCENT), (backend.p99_us, INK)):
            ax.plot([us] * 2, [floor - 0.13, floor - 0.02], color=colour, linewidth=2)
        ax.annotate(
            f"median {microseconds(backend.median_us)}, p99 {microseconds(backend.p99_us)}",
            (edges[-1], floor + 0.3),
            (6, 0),
            textcoords="offset points",
            fontsize=8,
            color=INK,
            va="center",
        )
    if budget_us is not None:
        ax.axvline(budget_us, color=WARN, linewidth=1.4)
        ax.annotate(
            f"budget {budget_us / 1000:g} ms",
            (budget_us, len(backends_shown)),
            (-5, 0),
            textcoords="offset points",
            color=WARN,
            ha="right",
            va="top",
            fontsize=8.5,
        )
    ax.set_ylim(-0.2, len(backends_shown))
    ax.set_yticks([len(backends_shown) - 0.72 - p for p in range(len(backends_shown))], list(backends_shown))
    ax.tick_params(axis="y", labelcolor=INK)
    ax.xaxis.set_major_locator(LogLocator(10, numticks=12))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda us, _: f"{us / 1000:g} ms" if us >= 1000 else f"{us:g} µs"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.spines["left"].set_visible(False)
    return to_svg(fig, "latency", "Latency of one call by backend, with the budget")


def reliability(points: Reliability) -> str:
    """How often the model is right at each confidence; the diagonal is perfect calibration."""
    fig, ax = figure(3.6, 3.2)
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)))
    areas = [600 * share for share in points.share]  # no line between them: a nearly empty bin is only noise
    ax.scatter(points.confidence, points.accuracy, s=areas, color=ACCENT, alpha=0.75, linewidth=0)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.grid(True, color=RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel("confidence")
    ax.set_ylabel("accuracy")
    return to_svg(fig, "reliability", "Accuracy against confidence")
