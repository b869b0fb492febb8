"""FeelingTexts: sentences with labels and ratings, as rows of a table that is trained with the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.intent import library
from datamodules.intent.lessons import lessons, taught
from datamodules.intent.rules import NAME as BY_RULE
from datamodules.intent.sentence_encoder import SIZE as TEACHER_SIZE
from datamodules.intent.targets import Rows
from datamodules.intent.teacher import Teacher, TextVectors
from datamodules.shared.batches import IndexBatches
from datamodules.shared.module import LabData
from datamodules.shared.settings import SplitShare, load_of, split_by
from datamodules.shared.splits import Groups
from kmidi_lab.bounds import Share
from kmidi_lab.models.intent.contract import INTENT
from kmidi_lab.models.intent.features import LABELS, SUB_EMOTIONS, IntentBatch, Sentence
from kmidi_lab.text.table import Known, Table, known_words

_FEWEST = 3
"""Training sentences that a word stands in for the table to know it."""


class FeelingTexts(LabData[Sentence, IntentBatch]):
    """Sentences → rows of the table and targets; the table's vectors where a trained one is given.

    Args:
        root: folder that holds `goemotions/`, `emobank/`, `isear/` and `xed/`.
        cache_dir: where prepared sentences and the teacher's vectors are kept.
        sources: which of `library.SOURCES` to use; an absent one is left out and said so.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        split_seed: another number, another validation part.
        val_share: of the texts that no publisher calls test.
        test_share: of the words of sentences made by rule, where there are no others.
        batch_size: sentences a step.
        piece_dropout: share of a training sentence's pieces that a step leaves out.
        teacher: train the sentence encoder of `kmidi_lab[teacher]` on labels and ratings and learn what it says of texts, and
            measure it as a baseline as it came.
        progress: show a bar.

    Raises:
        ConfigError: a value out of range. DataError: no source holds a sentence; `teacher` without its package.
    """

    id = "feeling_texts"
    contract = INTENT
    vocabulary = (*LABELS, *SUB_EMOTIONS)
    root_sources = ("goemotions", "emobank", "isear", "xed")
    bytes_per_example = 64 * 1024
    identity_settings = ("sources", "split_seed", "val_share", "test_share")
    other_settings = ("piece_dropout", "teacher")
    remedy = "add sources, such as data.sources=[rules]"

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = library.SOURCES,
        split: str = "test",
        split_seed: int = 0,
        val_share: SplitShare = 0.1,
        test_share: SplitShare = 0.1,
        batch_size: int = 512,
        piece_dropout: Share = 0.3,
        teacher: bool = False,
        progress: bool = True,
    ) -> None:
        load = load_of(
            library.load, library.SOURCES, root, cache_dir, sources,
            by=split_by(split_seed, val_share, test_share),
        )  # fmt: skip
        super().__init__(load, split, batch_size)
        self.piece_dropout, self.teacher, self.progress = piece_dropout, teacher, progress
        self._cache_dir = Path(cache_dir)
        self._table: Table | None = None
        self._encoded: TextVectors | None = None
        self._train: tuple[Rows, dict[str, torch.Tensor]] | None = None

    def use_table(self, table: Table | None) -> None:
        self._table = table

    def vectors(self, split: str) -> NDArray[np.float32]:
        """`[E, 128]`: the network's inputs of a split, by the table that `use_table` was given."""
        return self.vectors_of([s.text for s in self.songs(split)])

    def vectors_of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`[E, 128]` of other texts, by the same table."""
        assert self._table is not None, "call use_table() first"
        return self._table.vectors(texts)

    def known(self, text: str) -> Known:
        """Which share of a text's words the table knows."""
        assert self._table is not None, "call use_table() first"
        return self._table.known(text)

    def known_words(self) -> NDArray[np.uint8]:
        """The words of the training sentences that the table is to know (`kmidi_lab.text.table`)."""
        return known_words((s.text for s in self.songs("train")), _FEWEST)

    def teacher_of(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """`[E, 384]` of texts by the sentence encoder as it came; None where it isn't asked for."""
        if not self.teacher:
            return None
        if self._encoded is None:
            asked = [s for s in self.songs("all") if s.source != BY_RULE and (s.labels or s.affect)]
            self._encoded = TextVectors(list(dict.fromkeys(s.text for s in asked)), self._cache_dir, self.progress)
        return self._encoded(texts)

    def probes(self) -> np.ndarray:
        return self.vectors("test")

    def trained_on(self) -> np.ndarray:
        return self.vectors("train")

    def grouped(self, songs: list[Sentence]) -> Groups:
        return library.group(songs)

    def counts(self, split: str) -> dict[str, int]:
        return {"songs": len(self.songs(split)), "events": len(self.songs(split))}

    def train_dataloader(self) -> IndexBatches[IntentBatch]:
        if self._train is None:
            self._train = self._placed("train")
        return self.index_batches(len(self._train[0].lengths), self._gather, sentences_of)

    def whole(self, split: str) -> list[IntentBatch]:
        """A split as one batch."""
        store, columns = self._placed(split)
        at, starts = store.take(torch.arange(len(store.lengths), device=self.device))
        return [IntentBatch(at, starts, torch.ones(len(at), device=self.device), **columns)]

    def _placed(self, split: str) -> tuple[Rows, dict[str, torch.Tensor]]:
        sentences = self.songs(split)
        if self.teacher and split == "train":
            judged = [s for s in sentences if s.labels or s.affect]
            people = [s for s in judged if s.source != BY_RULE] or judged
            own = taught(sentences, Teacher(people, self._cache_dir, self.progress))
        else:
            own = lessons(sentences, TEACHER_SIZE if self.teacher else 0)
        columns = {name: torch.from_numpy(a).to(self.device) for name, a in own.columns().items()}
        return Rows.of(own.texts, self.device), columns

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> IntentBatch:
        assert self._train is not None
        store, columns = self._train
        at, starts = store.take(index)
        kept = torch.rand(len(at), generator=generator, device=at.device) >= self.piece_dropout
        return IntentBatch(at, starts, kept.float(), **{name: values[index] for name, values in columns.items()})


def sentences_of(batch: IntentBatch, size: int) -> Iterator[IntentBatch]:
    """A batch, cut to batches of `size` sentences."""
    ends = [*batch.starts.tolist()[size::size], len(batch.at)]
    begin = 0
    for number, end in enumerate(ends):
        own = slice(number * size, (number + 1) * size)
        columns = (values[own] for values in batch[3:8])
        yield IntentBatch(batch.at[begin:end], batch.starts[own] - begin, batch.weight[begin:end], *columns)
        begin = end
