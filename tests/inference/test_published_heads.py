"""What is read of a head file is what the model wrote into it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kmidi_lab.conf_dir import conf_dirs, models
from kmidi_lab.config import check
from kmidi_lab.inference.published import load_published, release_root
from kmidi_lab.nn.module import LabModule
from kmidi_lab.targets import build

MODELS = sorted(models(conf_dirs()))


@pytest.mark.parametrize("model", MODELS)
def test_every_array_that_a_model_writes_is_read(model: str) -> None:
    [cfg] = check([f"model={model}"], False)
    written = build(cfg.model.module, LabModule, ()).head()
    root = release_root()
    assert root is not None
    published = load_published(root, model)
    assert published is not None
    if not written:
        assert not published.head
        return
    raw = json.loads((root / f"{published.contract.id}.head.json").read_bytes())
    assert written.keys() == set(published.head)
    for name, values in published.head.items():
        assert np.array_equal(values, np.array(raw[name], np.float32)), name
