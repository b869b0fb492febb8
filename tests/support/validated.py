"""For tests that open one registry thousands of times: the schema sees each content once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kmidi_lab.registry import schema


@pytest.fixture(autouse=True)
def validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fitting = schema._refuse_misfit, set[str]()

    def refuse_misfit(value: Any, kind: dict[str, Any], path: Path, advice: str) -> None:
        content = f"{kind.get('title')} {json.dumps(value)}"
        if content not in fitting:
            real(value, kind, path, advice)
            fitting.add(content)

    monkeypatch.setattr(schema, "_refuse_misfit", refuse_misfit)
