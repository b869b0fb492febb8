"""docs/RESULTS.md and the README's table, both made from the run.json files kept in docs/results/.

`python -m kmidi_lab.report.results RUN_JSON…`, in the repository root, keeps each run as docs/results/<model>.json and
writes both again; without a RUN_JSON it only writes them again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import DataError, UserError, one_of
from kmidi_lab.report import markdown, view
from kmidi_lab.report.numbers import NOTHING, count, decimals, fixed, microseconds
from kmidi_lab.report.scores import ScoreTable, label, plus_minus, runs_of, score_tables
from kmidi_lab.report.verdict import verdict

Run = dict[str, Any]
KEPT = Path("docs/results")
DOCUMENT = Path("docs/RESULTS.md")
README = Path("README.md")
START, END = "<!-- results:start -->", "<!-- results:end -->"
_NEEDED = ("command", "data", "metrics", "model", "params", "primary", "run_id")


def results_markdown(runs: Sequence[Run]) -> str:
    """The whole of docs/RESULTS.md: a section for every model that has a release run."""
    head = (
        "# Results\n\n"
        "Generated from the runs in [`results/`](results) by `python -m kmidi_lab.report.results`, not by hand.\n"
        "Bold is the best of its column, ↓ lower is better, ↑ higher is better. "
        "± is the sample standard deviation over seeds, or over folds where a line says so.\n"
    )
    return "\n".join((head, readme_table(runs), *(_section(run) for run in _ordered(runs))))


def readme_table(runs: Sequence[Run]) -> str:
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
    rows = [_line(run) for run in _ordered(runs)]
    missing = [name for name in CONTRACTS if name not in {run["model"] for run in runs}]
    note = f"\nNo release run yet: {', '.join(f'`{m}`' for m in missing)}.\n" if missing else ""
    return (markdown.table(headings, rows, right=(4,)) if rows else "") + note


def _line(run: Run) -> tuple[str, ...]:
    told = run["primary"]
    places = decimals([told["value"], told["best_baseline_value"]])
    spread = view.part(run, "spread", "metrics", told["split"]).get(told["metric"])
    value = fixed(told["value"], places)
    rivals = view.part(run, "spread", "baselines", told["split"], str(told["best_baseline"])).get(told["metric"])
    rival = plus_minus(rivals, places) if rivals else fixed(told["best_baseline_value"], places)
    stand_in = " (stand-in)" if run["data"].get("stand_in") else ""
    return (
        f"`{run['model']}`",
        f"{label(told['metric'], told['mode'])} {f'**{value}**' if told['beats_baselines'] else value}",
        f"{plus_minus(spread, places)} ({runs_of(run['spread'])})" if spread else "one seed",
        f"{rival} ({markdown.cell(told['best_baseline'])})" if told["best_baseline"] else "none scored",
        count(run["params"]),
        _fastest(run),
        f"`{run['data'].get('id')}`{stand_in}",
    )


def _fastest(run: Run) -> str:
    backends = view.part(run, "export", "latency", "backends")
    if not backends:
        return "not measured"
    # Where the RTNeural file holds a student, it is not what was scored.
    scored = {n for n in backends if n != "rtneural"} if run.get("student") else set(backends)
    if not scored:
        return "not measured"
    name = min(scored, key=lambda n: backends[n]["p99_us"])
    times = ", ".join(microseconds(backends[name][key]) for key in ("median_us", "p99_us"))
    return f"{times} ({markdown.cell(name)})"


def _section(run: Run) -> str:
    told = verdict(run)
    data = run["data"]
    stand_in = f"\n**Stand-in data.** {markdown.cell(data['stand_in'])}\n" if data.get("stand_in") else ""
    parts = [
        f"## {run['model']}\n",
        f"**{markdown.cell(told.headline)}.**\n",
        "\n".join(f"- {markdown.cell(line)}" for line in told.details) + "\n",
        stand_in,
        f"{count(run['params'])} parameters, {markdown.cell(run.get('arch', 'network not named'))}.\n",
        *(_scores(t) for t in score_tables(run)),
        "### Latency\n",
        _latency(run),
        "### Parity\n",
        _grid(view.parity(run), "Nothing was exported, so nothing was compared."),
        "### Data and licence\n",
        f"`{data.get('id')}`, version `{data.get('version')}`. Licence: {markdown.cell(data.get('licence'))}.\n",
        _grid(view.sources(run), "The sources were not recorded."),
        "### Command\n",
        f"```sh\n{run['command']}\n```\n",
        f"Run `{run['run_id']}`, seed {run.get('seed')}, commit `{run.get('git_commit') or 'none'}`"
        f"{' with uncommitted changes' if run.get('git_dirty') else ''}; "
        f"{markdown.cell(view.text_of(run.get('machine')))}.\n",
    ]
    return "\n".join(part for part in parts if part)


def _scores(t: ScoreTable) -> str:
    rows = [(markdown.cell(row.name), *(f"**{c.text}**" if c.best else c.text for c in row.cells)) for row in t.rows]
    scores = markdown.table(("", *t.headings), rows, right=range(1, len(t.headings) + 1))
    alone = ", ".join(f"{name} {value}" for name, value in t.alone)
    without = f"\nWithout a baseline: {alone}.\n" if alone else ""
    return f"### {t.split}{f', {t.counted}' if t.counted else ''}\n\n{scores}{without}"


def _latency(run: Run) -> str:
    if not view.part(run, "export", "latency", "backends"):
        return "Not measured.\n"
    skipped = view.part(run, "export", "latency", "not_measured").items()
    notes = "".join(f"\n{markdown.cell(name)} was not measured: {markdown.cell(why)}.\n" for name, why in skipped)
    return f"{view.latency_setting(run)}\n\n{_grid(view.latency(run), NOTHING)}{notes}"


def _grid(grid: view.Grid, otherwise: str) -> str:
    rows = [[markdown.cell(c) for c in row] for row in grid.rows]
    return markdown.table(grid.headings, rows, grid.numeric) if rows else otherwise + "\n"


def _ordered(runs: Sequence[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: list(CONTRACTS).index(run["model"]))


def read_run(path: Path) -> Run:
    """A run.json that can stand in the results; says what is wrong with one that can't."""
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; give the run.json of a finished run") from None
    except ValueError as error:
        raise DataError(f"{path}: not a run.json: {error}") from None
    if not isinstance(run, dict) or run.get("schema") != 1:
        raise DataError(f"{path}: not a run.json of schema 1")
    if run.get("status") != "ok":
        raise DataError(f"{path}: the run failed ({run.get('error')}); only a finished run can stand in the results")
    missing = [key for key in _NEEDED if not run.get(key)]
    if missing:
        raise DataError(f"{path}: the run has no {', '.join(missing)}; it can't stand in the results")
    if run["model"] not in CONTRACTS:
        raise DataError(f"{path}: {one_of('model', run['model'], CONTRACTS)}")
    return run


def readme_with(table: str, readme: str) -> str:
    """The README with the table between its markers."""
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise DataError(f"{README} has no {START} … {END}; put both where the table belongs")
    return f"{before}{START}\n\n{table}\n{END}{after}"


def main(argv: Sequence[str]) -> int:
    """Nothing is written unless every run given can be read."""
    try:
        if not README.exists():
            raise DataError(f"{README.resolve()} does not exist; run this in the repository root")
        for run in [read_run(Path(name)) for name in argv]:
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / f"{run['model']}.json").write_text(view.raw(run) + "\n", encoding="utf-8")
        runs = [read_run(path) for path in sorted(KEPT.glob("*.json"))]
        readme = readme_with(readme_table(runs), README.read_text(encoding="utf-8"))
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(results_markdown(runs), encoding="utf-8")
        README.write_text(readme, encoding="utf-8")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"wrote {DOCUMENT} and the table in {README} from {len(runs)} runs")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
