"""What `task=monitor` found as one page that needs nothing else: a sentence, the figures, and the inputs that moved most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.files import write_atomic
from kmidi_lab.report import plots
from kmidi_lab.report.html import rendered

_BINS = 24


@dataclass(frozen=True)
class InputDrift:
    """One number of the input: its name by the contract, its PSI, and its values in the data `[R]` and in the feedback `[S]`."""

    name: str
    psi: float
    reference: NDArray[np.floating]
    seen: NDArray[np.floating]


def write_drift(
    report: Mapping[str, Any], moved: Sequence[InputDrift], limits: tuple[float, float], path: Path
) -> None:
    """Writes the page.

    Args:
        report: as in monitor.json.
        moved: the inputs that moved most, the most first.
        limits: a PSI above the first, and a chance of at most the second, give an alert.
        path: the HTML file.

    Raises:
        FileError: as `write_atomic`.
    """
    psi = sorted(report["psi"].items(), key=lambda pair: -pair[1])
    context = {
        "report": report,
        "sentence": _sentence(report, moved, limits),
        "limits": limits,
        "above": sum(value > limits[0] for _, value in psi),
        "psi": psi,
        "figures": [(f"{one.name}: PSI {one.psi:.2f}", histogram(one)) for one in moved],
    }
    write_atomic(path, rendered("drift.html.j2", context).encode())


def _sentence(report: Mapping[str, Any], moved: Sequence[InputDrift], limits: tuple[float, float]) -> str:
    if report["alert"]:
        return f"{report['model']} is asked about what it was not made for: {moved[0].name} has moved most."
    if moved[0].psi > limits[0]:
        return f"{moved[0].name} differs from the data, but chance may explain it; {report['model']} has no alert."
    return f"{report['model']} is asked about what is like its data."


def histogram(one: InputDrift) -> str:
    """Shares of the values: grey in the data, a line in the feedback."""
    fig, ax = plots.figure(4.9, 2.1)
    both = np.concatenate([one.reference, one.seen]).astype(float)
    edges = np.histogram_bin_edges(both, _BINS)
    shares = [np.histogram(x, edges)[0] / len(x) for x in (one.reference, one.seen)]
    ax.stairs(shares[0], edges, fill=True, color=plots.BASE, label="data")
    ax.stairs(shares[1], edges, color=plots.ACCENT, linewidth=1.6, label="feedback")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    ax.yaxis.grid(True, color=plots.RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, fontsize=8.5, labelcolor=plots.INK, loc="lower left", bbox_to_anchor=(0, 1), ncol=2)
    return plots.to_svg(fig, f"drift-{one.name}", f"Values of {one.name} in the data and in the feedback")
