"""What a study has shown, as PNG: how much each setting mattered, and the settings of every trial beside its loss."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna
    from matplotlib.figure import Figure

_INK, _ACCENT, _FAINT = "#333333", "#0b6e4f", "#b8b8b8"


def importance(study: optuna.Study) -> bytes:
    """A bar for each setting: its share of the variance of the loss, by a fitted forest (fANOVA; F. Hutter et al.,
    2014).
    """
    from optuna.importance import get_param_importances

    shares = get_param_importances(study)
    names = list(shares)[::-1]
    drawing = _figure(7.0, 0.8 + 0.4 * len(names))
    axes = drawing.add_subplot()
    axes.barh([_short(name) for name in names], [shares[name] for name in names], color=_ACCENT)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the variance of val/loss that the setting explains")
    axes.spines[["top", "right"]].set_visible(False)
    return _png(drawing)


def parallel(study: optuna.Study) -> bytes:
    """A line for each trial that ended well, through its settings to its loss; the best is drawn in colour."""
    trials = sorted((t for t in study.trials if t.value is not None), key=lambda t: -float(t.value or 0))
    names = sorted({name for trial in trials for name in trial.params})
    drawing = _figure(2.0 + 1.5 * len(names), 4.5)
    axes = drawing.add_subplot()
    columns = [[trial.params.get(name) for trial in trials] for name in names] + [[trial.value for trial in trials]]
    scaled = []
    for place, (name, column) in enumerate(zip([*names, "val/loss"], columns, strict=True)):
        log = _is_log(study, name)
        heights, low, high = _heights(column, log)
        scaled.append(heights)
        axes.axvline(place, color=_FAINT, linewidth=1)
        for y, label in ((-0.04, low), (1.04, high)):
            axes.text(place, y, label, ha="center", va="top" if y < 0 else "bottom", fontsize=8, color=_INK)
    for number, line in enumerate(zip(*scaled, strict=True)):
        best = number == len(trials) - 1
        axes.plot(line, color=_ACCENT if best else _FAINT, linewidth=2.5 if best else 1, alpha=1 if best else 0.7)
    axes.set_xticks(range(len(names) + 1), [_short(name) for name in [*names, "val/loss"]], fontsize=9)
    axes.tick_params(axis="x", pad=18, length=0)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    best_trial = trials[-1]
    axes.set_title(
        f"{len(trials)} trials; in colour the best, trial {best_trial.number}: {best_trial.value:.4f}", pad=24
    )
    return _png(drawing)


def _heights(column: list[object], log: bool) -> tuple[list[float], str, str]:
    """Places between 0 and 1, and what stands at the ends."""
    if any(isinstance(v, str) for v in column):
        there = sorted({str(v) for v in column}, key=lambda text: (len(text), text))
        return [there.index(str(v)) / max(1, len(there) - 1) for v in column], there[0], there[-1]
    numbers = [float(v) if isinstance(v, int | float) else math.nan for v in column]
    low, high = min(numbers), max(numbers)
    places = [math.log(v) if log else v for v in numbers]
    least, width = min(places), max(places) - min(places)
    return [(p - least) / width if width else 0.5 for p in places], f"{low:.3g}", f"{high:.3g}"


def _is_log(study: optuna.Study, name: str) -> bool:
    return any(getattr(trial.distributions.get(name), "log", False) for trial in study.trials)


def _short(name: str) -> str:
    return name.rpartition(".")[2].replace("_", "\n")


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=150)


def _png(drawing: Figure) -> bytes:
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png")
    return buffer.getvalue()
