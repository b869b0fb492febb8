"""Training, publishing and asking, on sentences by rule: the table travels with the network, and verify finds what is broken."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import numpy as np
import orjson
import pytest
import torch

from datamodules.intent.module import FeelingTexts
from kmidi_lab import load
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.contracts import INTENT
from kmidi_lab.errors import ConfigError, ExportError, RegistryError
from kmidi_lab.export.proof.golden import called
from kmidi_lab.export.proof.text_golden import TEXTS, text_golden, verify_text
from kmidi_lab.inference.published import release_root
from kmidi_lab.models.intent.evaluation import IntentEvaluator
from kmidi_lab.models.intent.features import LABELS
from kmidi_lab.models.intent.module import IntentClassifier, spread_of
from kmidi_lab.models.intent.predict import FeelingOf
from kmidi_lab.models.intent.reading import label_logits
from kmidi_lab.nn.streaming import TorchModel
from kmidi_lab.report.item_pictures import svg
from kmidi_lab.scoring.items import Text, worst
from kmidi_lab.text.table import Table


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[IntentClassifier, FeelingTexts]:
    L.seed_everything(3, verbose=False)
    cache = str(tmp_path_factory.mktemp("cache"))
    data = FeelingTexts("nowhere", cache, sources=["rules"], batch_size=128, piece_dropout=0.1, progress=False)
    module = IntentClassifier(hidden=[64], learning_rate=1e-2)
    trainer = L.Trainer(
        max_epochs=3, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, use_distributed_sampler=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    return module.eval(), data


@pytest.mark.slow
def test_it_learns_what_sentences_by_rule_say(trained: tuple[IntentClassifier, FeelingTexts]) -> None:
    module, data = trained
    table, sentences = module.table(), data.songs("val")
    vectors = torch.from_numpy(table.vectors([s.text for s in sentences]))
    with torch.inference_mode():
        p = module.heads[0](module.network(vectors)).sigmoid().numpy()
    right = [module.vocabulary[row.argmax()] in s.labels for row, s in zip(p, sentences, strict=True)]
    assert np.mean(right) > 0.6  # of words that no training sentence has; the commonest label has .4
    assert table.coverage("I'm not feeling") == 1


@pytest.mark.slow
def test_the_worst_sentences_are_told_word_by_word(trained: tuple[IntentClassifier, FeelingTexts]) -> None:
    module, data = trained
    data.use_table(module.table())
    few = [s for s in data.songs("val") if s.labels][:12]
    some = SimpleNamespace(songs=lambda split: few, vectors_of=data.vectors_of)
    call = numpy_call(module.export_network())
    items = list(IntentEvaluator().items(call, module.head(), some, "test"))
    p = 1 / (1 + np.exp(-label_logits(call(data.vectors_of([s.text for s in few])), module.head())))
    true = np.array([[label in s.labels for label in LABELS] for s in few])
    assert [item.loss for item in items] == pytest.approx(list(-np.log(np.where(true, p, 1 - p)).mean(1)), rel=1e-4)
    first = worst(items)[0]
    picture = first.picture()
    assert isinstance(picture, Text) and " ".join(picture.words) in {s.text for s in few}
    assert svg(picture, first.name).count('<text class="w"') == len(picture.words)
    assert (picture.error >= 0).all() and first.said.split(", read as ")[1] in LABELS


@pytest.mark.slow
def test_the_files_vector_is_the_networks_own(trained: tuple[IntentClassifier, FeelingTexts]) -> None:
    module, data = trained
    batch = data.whole("val")[0]
    with torch.inference_mode():
        own = module.vectors(batch).numpy()
    assert np.abs(own - module.table().vectors([s.text for s in data.songs("val")])).max() < 0.01


def test_weights_of_a_checkpoint_bring_table_words_and_cuts(trained: tuple[IntentClassifier, FeelingTexts]) -> None:
    module, _ = trained
    again = IntentClassifier(hidden=[64])
    again.load_state_dict(module.state_dict())
    assert again.table().tobytes() == module.table().tobytes()
    assert np.array_equal(again.head()["cut_bias"], module.head()["cut_bias"])
    assert module.head()["cut_bias"].std() > 0


def golden(trained: tuple[IntentClassifier, FeelingTexts]) -> tuple[bytes, Table, Any]:
    module, _ = trained
    table, model = module.table(), TorchModel(module.network)
    return text_golden(model, table, INTENT), table, model


def test_golden_texts_are_replayed(trained: tuple[IntentClassifier, FeelingTexts]) -> None:
    data, table, model = golden(trained)
    assert verify_text(data, table, model, 1e-4) < 1e-6
    file = json.loads(data)
    assert len(file["texts"]) == len(TEXTS) and file["coverage"][TEXTS.index("?!")] == 0
    assert np.allclose(called(model, table.vectors(TEXTS), True), file["outputs"])


@pytest.mark.parametrize(
    ("key", "change", "error"),
    [
        ("texts", lambda v: ["sad", *v[1:]], RegistryError),
        ("vectors", lambda v: [[0.1] * 128, *v[1:]], RegistryError),
        ("rows", lambda v: [[1, 2], *v[1:]], RegistryError),
        ("coverage", lambda v: [0.5, *v[1:]], RegistryError),
        ("outputs", None, ExportError),
        ("texts", lambda v: 3, RegistryError),
    ],
)
def test_a_changed_golden_file_is_refused(
    trained: tuple[IntentClassifier, FeelingTexts], key: str, change: Any, error: type[Exception]
) -> None:
    data, table, model = golden(trained)
    file = orjson.loads(data)
    if change is None:
        shifted = TorchModel(IntentClassifier(hidden=[64]).network)
        with pytest.raises(error):
            verify_text(data, table, shifted, 1e-4)
        return
    file[key] = change(file[key])
    with pytest.raises(error):
        verify_text(orjson.dumps(file), table, model, 1e-4)


def test_complexity_is_how_evenly_the_bases_share_what_is_felt() -> None:
    p = torch.tensor([[0.9, 0, 0, 0, 0, 0, 0.0], [0.5] * 6 + [0.0], [0.6, 0.6, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1.0]])
    one, all_six, two, none = spread_of(p).tolist()
    assert one == none == pytest.approx(0, abs=1e-6) and all_six == pytest.approx(0.5) and one < two < 0.6


@pytest.mark.parametrize("text", [None, "", "  \n "])
def test_no_text_is_one_line(text: str | None) -> None:
    with pytest.raises(ConfigError, match=r"predict\.text is empty"):
        FeelingOf(text)


@pytest.fixture(scope="module")
def released() -> Any:
    assert release_root() is not None
    return load("intent", release_root())


@pytest.mark.parametrize(
    ("text", "unsure"),
    [
        ("\x00\x07\x1b", True),
        ("\ud83d", True),
        ("я так счастлив", True),
        ("qz" * 50_000, True),
        ("?!", True),
        ("{}${}", True),
        ("I am so happy " * 2_500, False),
        ("so \ud83d happy \x00 today", False),
    ],
    ids=["control", "surrogate", "other", "letters", "marks", "braces", "long", "broken"],
)
def test_any_text_has_an_answer_or_a_doubt(released: Any, text: str, unsure: bool) -> None:
    answer = released.predict(text)
    assert answer.unsure == unsure and bool(answer.why) == unsure
    assert np.isfinite(answer.embedding).all() and orjson.dumps(answer.plain())


def test_the_released_model_reads_plain_sentences(released: Any) -> None:
    lost = released.predict("I'm feeling lost and searching")
    assert not lost.unsure and lost.source == "model" and len(lost.embedding) == 64
    assert released.predict("I am so happy, thank you!").label == "happy"
    assert (
        released.predict("I am so happy, thank you!").valence
        > 0.3
        > -0.2
        > released.predict("he died yesterday").valence
    )
    assert released.predict("qwertz asdf yxcv").unsure and released.predict("qwertz asdf yxcv").label == "unsure"


def test_a_table_that_is_missing_or_cut_short_is_one_line(tmp_path: Path) -> None:
    root = release_root()
    assert root is not None
    entry = json.loads((root / "registry.json").read_text())
    names = next(m for m in entry["models"] if m["id"] == INTENT.id)["files"]
    for name in [*names, "registry.json"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((root / name).read_bytes())
    table = tmp_path / f"{INTENT.id}.table.bin"
    table.write_bytes(table.read_bytes()[:-1])
    with pytest.raises(RegistryError, match="half-written or changed"):
        load("intent", tmp_path)
    table.unlink()
    with pytest.raises(RegistryError, match=r"table\.bin"):
        load("intent", tmp_path)
