"""Settings of runs of 0.1.0 still make the classes of today, whatever the classes and their arguments were named then."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from kmidi_lab.errors import ConfigError
from kmidi_lab.targets import build, of_today

ROOT = Path(__file__).parents[2]
NEW_PATHS = yaml.safe_load((ROOT / "conf" / "renamed.yaml").read_text(encoding="utf-8"))
BLOCKS = yaml.safe_load((ROOT / "tests" / "fixtures" / "conf_of_0_1_0.yaml").read_text(encoding="utf-8"))
NODES = {"_target_": "datamodules.emotion_nodes.EmotionNodes", "gain": 0.0}


@pytest.mark.parametrize("path", [path for path in NEW_PATHS.values() if path])
def test_a_new_path_is_where_the_class_is_defined(path: str) -> None:
    """Not where it is imported from another: a subclass there may be the one that was meant."""
    module, _, name = path.rpartition(".")
    kind = getattr(importlib.import_module(module), name)
    assert path == f"{kind.__module__}.{kind.__qualname__}"


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_block_of_0_1_0_makes_its_class(block: dict[str, Any], tmp_path: Path) -> None:
    places = {"root": str(tmp_path), "cache_dir": str(tmp_path)} if block["_target_"].startswith("datamodules") else {}
    made = build(block, object, (), **places)
    kind = type(made)
    assert of_today(block)["_target_"] == f"{kind.__module__}.{kind.__qualname__}"


def test_an_argument_that_is_gone_is_gone_from_its_own_class_alone(tmp_path: Path) -> None:
    assert of_today({"data": [NODES]}) == {"data": [{"_target_": "datamodules.emotion_node.module.RenderedNodes"}]}
    of_another = {"_target_": "datamodules.ravdess.Ravdess", "gain": 0.0}
    assert of_today(of_another)["gain"] == 0.0
    typed = {**NODES, "_target_": "datamodules.emotion_node.module.RenderedNodes"}
    with pytest.raises(ConfigError, match="unexpected keyword argument 'gain'"):
        build(typed, object, (), root=str(tmp_path), cache_dir=str(tmp_path))
    assert of_today(f"{NODES['_target_']}.gain") == f"{NODES['_target_']}.gain"
