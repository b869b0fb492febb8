"""The README.md of a models folder at the Hub: a front matter that the Hub understands, and a table of the models."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCardData
from huggingface_hub.repocard_data import eval_results_to_model_index
from huggingface_hub.utils import yaml_dump

from kmidi_lab.licences import deciding_licences, product_use
from kmidi_lab.report.formats import cell, is_number, table

_FREE = re.compile(r"(^|: )MIT$|in the public domain$")
_TAGS = ("music", "midi", "onnx", "rtneural")


def readme(entries: Sequence[Mapping[str, Any]], repository: str) -> str:
    """The whole file.

    Args:
        entries: of the registry.
        repository: user/name, for the command that pulls it.
    """
    rows = [_row(entry) for entry in entries]
    headings = ["model", "task", "status", "test", "best baseline", "use in a product", "licences of its data"]
    return (
        f"---\n{front_matter(entries)}---\n\n# {repository}\n\n"
        "Small music models, each proved against baselines and exported for ONNX and RTNeural by kmidi_lab. "
        f"`registry.json` says of each what it is, and the SHA-256 of its files; its card says how it was made.\n\n"
        f"```sh\npip install 'kmidi_lab[hub]'\npython -m kmidi_lab task=hub hub.pull={repository} "
        "models_root=outputs/models\n```\n\n"
        f"{table(headings, rows)}\n"
        "`trained` is what beats every baseline on its test. Use in a product: what the licences of the training data "
        "say, as the lab reads them; no legal advice.\n"
    )


def front_matter(entries: Sequence[Mapping[str, Any]]) -> str:
    """YAML: licence, tags, data sets, and each model's test scores as a model index."""
    free = all(_is_free(entry.get("license")) for entry in entries)
    data = ModelCardData(
        license="mit" if free else "other",
        license_name=None if free else "licences-of-the-data",
        library_name="kmidi_lab",
        tags=[*_TAGS, *sorted({str(entry["task"]).replace("_", "-") for entry in entries})],
        datasets=sorted({name for entry in entries if (name := _data_set(entry))}) or None,
    ).to_dict()
    index = [named for entry in entries for named in _scores(entry)]
    return str(yaml_dump({**data, **({"model-index": index} if index else {})}))


def _is_free(licence: str | None) -> bool:
    parts = deciding_licences(licence).split("; ")
    return product_use(licence) == "yes" and all(_FREE.search(part) for part in parts)


def _scores(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The model index of one model: what its verdict rests on."""
    primary, data = entry.get("primary") or {}, _data_set(entry)
    judged = [primary, *primary.get("also", [])]
    results = [
        EvalResult(
            task_type=str(entry["task"]).replace("_", "-"),
            dataset_type=data,
            dataset_name=data,
            dataset_split=str(one["split"]),
            metric_type=str(one["metric"]),
            metric_value=one["value"],
        )
        for one in judged
        if data and is_number(one.get("value"))
    ]
    return list(eval_results_to_model_index(entry["id"], results)) if results else []


def _data_set(entry: Mapping[str, Any]) -> str | None:
    name = entry.get("training", {}).get("dataset_id")
    return str(name) if name else None


def _row(entry: Mapping[str, Any]) -> list[str]:
    primary = entry.get("primary") or {}
    words = [f"[{cell(entry['id'])}]({entry['model_card']})" if entry.get("model_card") else cell(entry["id"])]
    words += [cell(str(entry["task"]).replace("_", " ")), cell(entry["status"])]
    words += [
        _scored(primary, "value"),
        f"{cell(primary.get('best_baseline', '–'))} {_scored(primary, 'best_baseline_value')}",
    ]
    licence = entry.get("license")
    return [*words, product_use(licence), cell(licence or "none stated")]


def _scored(primary: Mapping[str, Any], key: str) -> str:
    value = primary.get(key)
    return f"{cell(primary['metric'])} {value:.4g}" if is_number(value) else "–"
