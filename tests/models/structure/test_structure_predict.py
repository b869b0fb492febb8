"""What task=predict says of a song's form, from a model and from what stands in for one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kmidi_lab.contracts import STRUCTURE
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.session import Session
from kmidi_lab.models.structure.decoding import length_probabilities
from kmidi_lab.models.structure.form import TYPES
from kmidi_lab.models.structure.heuristic import rule_head
from kmidi_lab.models.structure.predict import PlannedSong
from kmidi_lab.models.structure.song_memory import no_memory


class Still:
    """A model that always expects a verse of eight bars, until there are five sections."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def reset(self) -> None:
        pass

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.seen.append(x)
        out = np.full(STRUCTURE.output_size, -9.0, np.float32)
        out[12 if x[STRUCTURE.input("counts").index].sum() * 4 > 4 else TYPES.index("verse")] = 9.0
        out[STRUCTURE.output("length").start + 2] = 9.0
        return out


def published(model: Still) -> Published:
    memory, repeats = no_memory()
    head = {
        **rule_head(),
        "weight": np.tile(np.eye(8, dtype=np.float32), (12, 1)),
        "bias": np.zeros(96, np.float32),
        "memory_weight": memory,
        "repeat_weight": repeats,
    }
    return Published(STRUCTURE, {}, head, model)  # type: ignore[arg-type]


def shown(request: PlannedSong, model: Published | None, folder: Path) -> tuple[list[str], dict[str, object]]:
    lines: list[str] = []
    session = Session("structure", folder, folder, say=lambda line: bool(lines.append(line)) or True)
    request.show(request.run(model, session), session)
    return lines, json.loads((folder / "structure.json").read_text())


def test_the_answer_is_a_table_and_json(tmp_path):
    lines, record = shown(PlannedSong(arc="climb to climax", bars=64, mood="Grief"), None, tmp_path)
    assert lines[0] == "64 bars of 4/4 at 120 bpm, 2:08, Climb-to-Climax; by a usual form by rule"
    assert lines[1].split() == ["bar", "section", "bars", "energy", "density", "tension"]
    assert record["arc"] == "Climb-to-Climax" and record["made_by"] == "a usual form by rule" and record["bars"] == 64
    assert len(lines) == len(record["sections"]) + 3
    assert set(record["sections"][0]) == {"name", "start", "bars", "energy", "density", "tension"}


def test_a_model_is_asked_until_it_ends_the_song(tmp_path):
    model = Still()
    lines, record = shown(PlannedSong(metre="6/8", tempo=90, arc="Spiral", mood="0.2,0.8"), published(model), tmp_path)
    assert {s["name"] for s in record["sections"]} == {"verse"} and len(record["sections"]) == 5
    assert record["made_by"] == "structurepredictor" and {s["bars"] for s in record["sections"]} == {8}
    assert lines[0].startswith("40 bars of 6/8 at 90 bpm, 1:20")
    assert all(x[50 + 7] == 1 and x[58] == np.float32(0.2) for x in model.seen)


def test_the_songs_own_memory_is_mixed_in(tmp_path):
    model = published(Still())
    model.head["memory_weight"] = np.zeros((6, 7))
    model.head["memory_weight"][:, 1] = 1.0  # the song's own sections alone
    model.head["repeat_weight"] = np.array([[1.0, 0, 0], *[[0, 1.0, 0]] * 4])
    plan = PlannedSong(bars=40, start="solo 16").run(model, Session("structure", tmp_path, tmp_path))
    assert [(s.name, s.bars) for s in plan.sections][:2] == [("solo", 16), ("solo", 16)]


def test_lengths_are_those_of_the_type(tmp_path):
    head = {"weight": np.zeros((96, 8)), "bias": np.zeros(96)}
    head["bias"][8 * TYPES.index("chorus") + 4] = 9.0
    p = length_probabilities(np.zeros((1, 32)), head)[0]
    np.testing.assert_allclose(p.sum(1), 1)
    assert p[TYPES.index("chorus")].argmax() == 4 and np.ptp(p[TYPES.index("verse")]) == 0


def test_the_seed_decides():
    def names(seed):
        return PlannedSong(bars=200, temperature=3.0).run(None, Session("structure", Path(), Path(), seed)).sections

    assert names(1) == names(1) != names(2)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"arc": "climbing"}, "predict.arc"),
        ({"bars": -1}, "bars"),
        ({"bars": 401}, "bars"),
        ({"mood": "qwertz"}, "predict.mood='qwertz' is not known"),
        ({"tempo": 0}, "tempo"),
        ({"tempo": float("nan")}, "tempo"),
        ({"metre": "4"}, "predict.metre='4' is no metre"),
        ({"metre": "0/4"}, "no metre"),
        ({"metre": "4/5"}, "no metre"),
        ({"metre": "999999999999/4"}, "no metre"),
        ({"start": "vers 8"}, "predict.start"),
        ({"start": "verse 0"}, "predict.start"),
        ({"start": "verse 40, chorus 40", "bars": 64}, "predict.start has 80 bars"),
        ({"start": ",".join(["verse 2"] * 25)}, "predict.start has 50 bars in 25 sections"),
        ({"temperature": 0}, "temperature"),
    ],
)
def test_what_can_not_be_is_one_line(asked, says):
    with pytest.raises(ConfigError, match="predict") as error:
        PlannedSong(**asked)
    assert says in str(error.value) and "\n" not in str(error.value)
