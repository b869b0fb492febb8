"""What `task=monitor` found as one page that needs nothing else: a sentence, the figures, and the inputs that moved
most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.files import write_atomic
from kmidi_lab.inference.known_inputs import Ranges
from kmidi_lab.report import svg
from kmidi_lab.report.html import rendered

_FEW = 4
"""Names of ranges that fit beside each other."""


@dataclass(frozen=True)
class InputDrift:
    """One number of the input: its name by the contract, its PSI, its ranges in the data, and its values in the
    feedback `[S]`.
    """

    name: str
    psi: float
    known: Ranges
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
    """Shares of the ranges that hold anything: grey in the data, a line in the feedback."""
    fig, ax = svg.figure(4.9, 2.1)
    both = np.stack([one.known.shares, one.known.shares_of(one.seen)])
    used = np.flatnonzero(both.sum(axis=0) > 0)
    edges = np.arange(len(used) + 1)
    ax.stairs(both[0, used], edges, fill=True, color=svg.BASE, label="data")
    ax.stairs(both[1, used], edges, color=svg.ACCENT, linewidth=1.6, label="feedback")
    names = _names(one.known.edges)
    ax.set_xticks(edges[:-1] + 0.5, [names[i] for i in used], fontsize=6.5, rotation=30 if len(used) > _FEW else 0)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    ax.yaxis.grid(True, color=svg.RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, fontsize=8.5, labelcolor=svg.INK, loc="lower left", bbox_to_anchor=(0, 1), ncol=2)
    return svg.to_svg(fig, f"drift-{one.name}", f"Values of {one.name} in the data and in the feedback")


def _names(edges: NDArray[np.floating]) -> list[str]:
    """Of the ranges below, at and between edges."""
    if not len(edges):
        return ["any"]
    between = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    names = [f"below {edges[0]:.3g}"]
    for edge, above in zip(edges, [*between, f"above {edges[-1]:.3g}"], strict=True):
        names += [f"{edge:.3g}", above]
    return names
