"""The model card: everything a reader must know before trusting the files, from run.json and the contract."""

from __future__ import annotations

from typing import Any

from kmidi_lab.contracts import Contract
from kmidi_lab.report.contracts_doc import contract_markdown
from kmidi_lab.report.markdown import cell, table
from kmidi_lab.report.numbers import count, duration, fixed, microseconds, small
from kmidi_lab.report.scores import score_tables


def model_card(run: dict[str, Any], contract: Contract) -> str:
    """Markdown, as `<id>.card.md` beside the artefacts."""
    sections = [
        _title(run, contract), _data(run), _metrics(run), _analysis(run), _proof(run), _latency(run),
        contract_markdown(contract).replace("## ", "## Contract: ", 1), _limits(run, contract), _provenance(run),
    ]  # fmt: skip
    return "\n\n".join(s.strip() for s in sections if s) + "\n"


def _title(run: dict[str, Any], contract: Contract) -> str:
    export, stand_in = run["export"], run["data"]["stand_in"]
    notice = f"> **Stand-in data.** {stand_in}\n\n" if stand_in else ""
    return (
        f"# {contract.id}\n\n{notice}Status **{export['status']}**: {export['reason']}.\n\n"
        f"{contract.task.replace('_', ' ').capitalize()}; {run['arch']}; {count(run['params'])} trained parameters, "
        f"{count(export['stored_params'])} numbers in the exported layers. State between calls: {contract.state}."
    )


def _data(run: dict[str, Any]) -> str:
    data = run["data"]
    rows = [
        [cell(s["name"]), cell(s["licence"]), count(s["songs"]), count(s["events"]), count(s["skipped"]), cell(s["note"])]
        for s in data["sources"]
    ]
    split = data["split"]
    sizes = ", ".join(f"{name} {count(split[name]['songs'])} songs / {count(split[name]['events'])} events" for name in ("train", "val", "test"))
    absent = f" Not found and not used: {', '.join(data['absent'])}." if data.get("absent") else ""
    return (
        f"## Data\n\n{table(['Source', 'Licence', 'Songs', 'Events', 'Skipped', 'Note'], rows, right=(2, 3, 4))}\n"
        f"Split {split['rule']} (seed {split['seed']}): {sizes}.{absent} Fingerprint `{data['version']}`."
    )


def _metrics(run: dict[str, Any]) -> str:
    parts = ["## Metrics beside baselines"]
    for scores in score_tables(run):
        rows = [[f"**{cell(r.name)}**" if r.kind != "baseline" else cell(r.name), *(f"**{c.text}**" if c.best else c.text for c in r.cells)] for r in scores.rows]
        alone = f"\nModel alone: {', '.join(f'{cell(n)} {v}' for n, v in scores.alone)}." if scores.alone else ""
        parts.append(f"### {scores.split} ({scores.counted})\n\n" + table(["", *scores.headings], rows, right=range(1, len(scores.headings) + 1)) + alone)
    return "\n\n".join(parts)


def _analysis(run: dict[str, Any]) -> str:
    emotion = run["analysis"].get("emotion")
    if not emotion:
        return ""
    low, high = emotion["ci95"]
    sure = "" if low > 0 else " The interval holds 0: no gain is shown."
    return (
        f"## Does knowing the emotion help?\n\nOn the {count(emotion['events'])} test events of {count(emotion['songs'])} songs that have one: "
        f"perplexity {fixed(emotion['perplexity_known'], 3)} with it, {fixed(emotion['perplexity_unknown'], 3)} without; "
        f"{fixed(emotion['nll_difference'], 3)} nats an event better, 95 % interval {fixed(low, 3)} to {fixed(high, 3)} "
        f"(bootstrap over songs).{sure}"
    )


def _proof(run: dict[str, Any]) -> str:
    parity = run["export"]["parity"]
    rows = [[cell(k), small(v) if v is not None else "not checked: no RTNEURAL_RUNNER"] for k, v in parity.items() if k not in ("tolerance", "calls")]
    return (
        f"## Proof\n\nLargest error against the trained network over {count(parity['calls'])} calls, real inputs and edge cases; "
        f"absolute where outputs are within ±1, relative beyond. Gate {parity['tolerance']:g}.\n\n{table(['Artefact', 'Error'], rows, right=(1,))}"
    )


def _latency(run: dict[str, Any]) -> str:
    latency = run["export"]["latency"]
    columns = ("first_us", "median_us", "p90_us", "p99_us", "max_us")
    rows = [[cell(n), *(microseconds(b[c]) for c in columns), cell(f"{b['version']}, {b['flags']}")] for n, b in latency["backends"].items()]
    missing = "".join(f"\nNot measured: {cell(n)} ({cell(why)})." for n, why in latency["not_measured"].items())
    machine = run["machine"]
    return (
        f"## Latency\n\nBudget {latency['budget_ms']:g} ms. {count(latency['frames'])} single calls, one thread, pinned to core "
        f"{latency['pinned_core']}; {cell(machine['cpu'])} ({machine['id']}). Outliers are kept.\n\n"
        f"{table(['Backend', 'First', 'Median', 'p90', 'p99', 'Max', 'What'], rows, right=range(1, 6))}{missing}"
    )


def _limits(run: dict[str, Any], contract: Contract) -> str:
    kind = {"logits": "Outputs are logits by slice", "probabilities": "Outputs are probabilities"}.get(contract.output_kind, "Outputs are values")
    return (
        f"## Limits\n\n{kind}: a reader that takes the largest raw output as a confidence reads it wrongly. "
        "Scores hold for music like the test split's; other repertoires will score lower. "
        f"The licence of the weights follows the data: {cell(run['data']['licence'])}."
    )


def _provenance(run: dict[str, Any]) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in run["versions"].items())
    dirty = " with local changes" if run["git_dirty"] else ""
    seeds = f"; spread over seeds {', '.join(map(str, run['spread']['seeds']))}" if run["spread"] else ""
    return (
        f"## Provenance\n\n```\n{run['command']}\n```\n\nRun {run['run_id']}, seed {run['seed']}{seeds}, {run['started_at']}, "
        f"training {duration(run['training_seconds'])} on {run['hardware']['accelerator']}. Commit {run['git_commit'] or 'unknown'}{dirty}, "
        f"code sha256 {run['code_sha256'][:16]}. {versions}."
    )
