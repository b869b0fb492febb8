"""docs/RESULTS.md, docs/baseline_report.md and the README's tables, all made from the run.json files kept in
docs/results/.

`python -m kmidi_lab.report.results RUN_JSON…`, in the repository root, keeps each run as docs/results/<model>.json and
writes all again; without a RUN_JSON it only writes them again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from kmidi_lab import run_file
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import DataError, UserError, one_of
from kmidi_lab.files import write_atomic
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report import baseline_report
from kmidi_lab.report.public import public
from kmidi_lab.report.results_text import licence_table, ordered, readme_table, results_markdown
from kmidi_lab.run_record import RunRecord

RECORDS = Path("docs/results")
DOCUMENT = Path("docs/RESULTS.md")
README = Path("README.md")
RELEASE = Path("outputs/release")


def read_run(path: Path) -> RunRecord:
    """A run.json that can stand in the results; says what is wrong with one that can't."""
    run = run_file.read(path)
    if run.identity.status != "ok":
        why = f"failed ({run.identity.error})" if run.identity.error else "has not finished"
        raise DataError(f"{path}: the run {why}; only a finished run can stand in the results")
    needed = {"command": run.identity.command, "data": run.data, "network": run.network, "primary": run.primary}
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise DataError(f"{path}: the run has no {', '.join(missing)}; it can't stand in the results")
    if run.identity.model not in CONTRACTS:
        raise DataError(f"{path}: {one_of('model', run.identity.model, CONTRACTS)}")
    return run


def readme_with(name: str, table: str, readme: str) -> str:
    """The README with the table between its markers `<!-- name:start -->` and `<!-- name:end -->`."""
    opening, closing = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    before, start, rest = readme.partition(opening)
    _, end, after = rest.partition(closing)
    if not (start and end):
        raise DataError(f"{README} has no {opening} … {closing}; put both where the table belongs")
    return f"{before}{opening}\n\n{table}\n{closing}{after}"


def main(argv: Sequence[str]) -> int:
    """Nothing is written unless every run given can be read."""
    try:
        if not README.exists():
            raise DataError(f"{README.resolve()} does not exist; run this in the repository root")
        for run in [read_run(Path(name)) for name in argv]:
            write_atomic(RECORDS / f"{run.identity.model}.json", f"{run_file.text(public(run))}\n".encode())
        runs = [read_run(path) for path in sorted(RECORDS.glob("*.json"))]
        readme = readme_with("results", readme_table(runs), README.read_text(encoding="utf-8"))
        readme = readme_with("licences", licence_table(runs), readme)
        write_atomic(DOCUMENT, results_markdown(runs).encode())
        write_atomic(README, readme.encode())
        entries = load_registry(RELEASE)["models"]
        write_atomic(baseline_report.DOCUMENT, baseline_report.baseline_report(ordered(runs), entries).encode())
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"wrote {DOCUMENT}, {baseline_report.DOCUMENT} and the tables in {README} from {len(runs)} runs")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
