"""The text of docs/RESULTS.md and of the README's tables, made from the records of the released runs."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.licences import deciding_licences, product_use
from kmidi_lab.registry.policy import withheld_line
from kmidi_lab.report import formats, latency_view, view
from kmidi_lab.report.condition_table import condition_table, without_conditions
from kmidi_lab.report.formats import NOTHING, count, decimals, fixed, microseconds
from kmidi_lab.report.scores import ScoreTable, label, plus_minus, runs_of, score_tables, typical
from kmidi_lab.report.verdict import verdict
from kmidi_lab.run_record import DataDescription, Network, RunRecord
from kmidi_lab.run_scores import Primary

_PRODUCT = {
    "yes": "yes; name the sources that ask for it",
    "no": "no: some data are for research or non-commercial use only",
    "ask": "ask the owners of the data: their terms do not say",
}


def results_markdown(runs: Sequence[RunRecord]) -> str:
    """The whole of docs/RESULTS.md: a section for every model that has a release run."""
    head = (
        "# Results\n\n"
        "Generated from the runs in [`results/`](results) by `python -m kmidi_lab.report.results`, not by hand.\n"
        "Bold is the best of its column, ↓ lower is better, ↑ higher is better. "
        "± is the sample standard deviation over seeds, or over folds where a line says so.\n"
        "What feedback teaches is in [retraining.md](retraining.md#does-it-help); the curves of asking for labels well are "
        "in [active_learning.md](active_learning.md#does-asking-well-save-labels).\n\n"
        "![Accuracy against the number of labels, by the way to choose what is labelled](active_learning.png)\n"
    )
    return "\n".join((head, readme_table(runs), *(_section(run, *_finished(run)) for run in ordered(runs))))


def readme_table(runs: Sequence[RunRecord]) -> str:
    """One line a model: its primary metric beside the best baseline, size, speed, what it was trained on."""
    headings = (
        "model",
        "test metric",
        "mean ± std",
        "best baseline",
        "parameters",
        "median, p99 of one call",
        "data",
    )
    rows = [_line(run, *_finished(run)) for run in ordered(runs)]
    missing = [name for name in CONTRACTS if name not in {run.identity.model for run in runs}]
    note = f"\nNo release run yet: {', '.join(f'`{m}`' for m in missing)}.\n" if missing else ""
    return (formats.table(headings, rows, right=(4,)) if rows else "") + note


def licence_table(runs: Sequence[RunRecord]) -> str:
    """One line a model: the licences of what it was trained on, and whether it may be used in a product."""
    rows = []
    for run in ordered(runs):
        _, _, data = _finished(run)
        why = formats.cell(deciding_licences(data.licence))
        rows.append((f"`{run.identity.model}`", f"`{data.id}`", _PRODUCT[product_use(data.licence)], why))
    return formats.table(("model", "trained on", "may be used in a product", "because of"), rows)


def _finished(run: RunRecord) -> tuple[Primary, Network, DataDescription]:
    """What `read_run` has made sure of."""
    assert run.primary and run.network and run.data
    return run.primary, run.network, run.data


def _line(run: RunRecord, primary: Primary, network: Network, data: DataDescription) -> tuple[str, ...]:
    places = decimals([primary.value, primary.best_baseline_value])
    spread, value = run.spread, fixed(primary.value, places)
    own = spread.metrics.get(primary.split, {}).get(primary.metric) if spread else None
    rivals = spread.baselines.get(primary.split, {}).get(str(primary.best_baseline), {}) if spread else {}
    rival = rivals.get(primary.metric)
    against = plus_minus(rival, places) if rival else fixed(primary.best_baseline_value, places)
    over = f"{plus_minus(own, places)} ({runs_of(spread)})" if spread and own else "one seed"
    if run.split_run:
        over = f"{over}; the file has heard all"
    if spread and own and spread.folds:
        over = f"{over[:-1]}; the file's own test {value})"
        value = fixed(typical(run), places)
    return (
        f"`{run.identity.model}`",
        f"{label(primary.metric, primary.mode)} {f'**{value}**' if primary.beats_baselines else value}",
        over,
        f"{against} ({formats.cell(primary.best_baseline)})" if primary.best_baseline else "none scored",
        count(network.params),
        _fastest(run),
        f"`{data.id}`{' (stand-in)' if data.stand_in else ''}",
    )


def _fastest(run: RunRecord) -> str:
    name = latency_view.fastest_of_run(run)
    if not name:
        return "not measured"
    timing = latency_view.measured(run).backends[name]
    times = ", ".join(microseconds(us) for us in (timing.median_us, timing.p99_us))
    return f"{times} ({formats.cell(name)})"


def _section(run: RunRecord, _: Primary, network: Network, data: DataDescription) -> str:
    outcome, own, code = verdict(run), run.identity, run.code
    stand_in = f"\n**Stand-in data.** {formats.cell(data.stand_in)}\n" if data.stand_in else ""
    parts = [
        f"## {own.model}\n",
        f"**{formats.cell(outcome.headline)}.**\n",
        "\n".join(f"- {formats.cell(line)}" for line in [*outcome.details, *_withheld(run)]) + "\n",
        stand_in,
        f"{count(network.params)} parameters, {formats.cell(network.arch or 'network not named')}.\n",
        *_all_scores(run),
        "### Latency\n",
        _latency(run),
        "### Parity\n",
        _grid(view.parity(run), "Nothing was exported, so nothing was compared."),
        "### Data and licence\n",
        f"`{data.id}`, version `{data.version}`. Licence: {formats.cell(data.licence)}. "
        f"In a product: {_PRODUCT[product_use(data.licence)]}.\n",
        _grid(view.sources(run), "The sources were not recorded."),
        "### Command\n",
        f"```sh\n{own.command}\n```\n",
        f"Run `{own.run_id}`, seed {own.seed}, commit `{code.git_commit or 'none'}`"
        f"{' with uncommitted changes' if code.git_dirty else ''}; "
        f"{formats.cell(view.text_of(run.machine))}.\n",
    ]
    return "\n".join(part for part in parts if part)


def _withheld(run: RunRecord) -> list[str]:
    return [f"{withheld_line(run.student.withheld)}."] if run.student and run.student.withheld else []


def _all_scores(run: RunRecord) -> list[str]:
    """Every split's table, and behind it the one of recordings that went through something."""
    assert run.scores
    parts = []
    for table in score_tables(str(run.identity.model), without_conditions(run.scores), run.spread):
        parts.append(_scores(table))
        if conditions := condition_table(run.scores, run.spread, table.split):
            right = range(1, len(conditions.headings))
            rows = [[formats.cell(c) for c in row] for row in conditions.rows]
            headings = [formats.cell(c) for c in conditions.headings]
            parts += [f"### {table.split}, in other conditions\n", formats.table(headings, rows, right)]
    return parts


def _scores(t: ScoreTable) -> str:
    rows = [(formats.cell(row.name), *(f"**{c.text}**" if c.best else c.text for c in row.cells)) for row in t.rows]
    scores = formats.table(("", *t.headings), rows, right=range(1, len(t.headings) + 1))
    alone = ", ".join(f"{name} {value}" for name, value in t.alone)
    without = f"\nWithout a baseline: {alone}.\n" if alone else ""
    return f"### {t.split}{f', {t.counted}' if t.counted else ''}\n\n{scores}{without}"


def _latency(run: RunRecord) -> str:
    timed = latency_view.measured(run)
    if not timed.backends:
        return "Not measured.\n"
    skipped = timed.not_measured.items()
    notes = "".join(f"\n{formats.cell(name)} was not measured: {formats.cell(why)}.\n" for name, why in skipped)
    return f"{latency_view.setting(run)}\n\n{_grid(latency_view.latency(run), NOTHING)}{notes}"


def _grid(grid: view.Grid, otherwise: str) -> str:
    rows = [[formats.cell(c) for c in row] for row in grid.rows]
    return formats.table(grid.headings, rows, grid.numeric) if rows else otherwise + "\n"


def ordered(runs: Sequence[RunRecord]) -> list[RunRecord]:
    return sorted(runs, key=lambda run: list(CONTRACTS).index(str(run.identity.model)))
