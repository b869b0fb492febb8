"""The Python API, `kmidi_lab.load(model)`, and what a user may ask of a model: the keys of `predict` in its config."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.bounds import Bounded, checked_seed
from kmidi_lab.conf_dir import conf_dir, models, outside
from kmidi_lab.contracts import CONTRACTS, Contract, register
from kmidi_lab.errors import ConfigError, RegistryError, one_of
from kmidi_lab.files import with_home, write_atomic
from kmidi_lab.inference.adapters import with_adapter
from kmidi_lab.inference.arguments import check_arguments, check_kinds
from kmidi_lab.inference.published import Published, default_root, load_published
from kmidi_lab.inference.questions import Guess, Question
from kmidi_lab.inference.ways import Way
from kmidi_lab.targets import find

Answer = TypeVar("Answer")


class VectorStream:
    """Takes one contract vector a call and keeps the model's state; starts reset, apart from every other stream."""

    def __init__(self, published: Published) -> None:
        self.contract = published.contract
        self._model = copy(published.model)
        self.reset()

    def reset(self) -> None:
        """The next call is the first of a new piece."""
        self._model.reset()

    def push(self, vector: np.ndarray) -> NDArray[np.float32]:
        """One step: `[N]` float32 to `[M]`, with N and M of the contract.

        Raises:
            ValueError: another shape.
        """
        x = np.asarray(vector, np.float32)
        if x.shape != (self.contract.input_size,):
            raise ValueError(f"a vector of shape {x.shape}; {self.contract.id} takes ({self.contract.input_size},)")
        return self._model(x)


@dataclass(frozen=True)
class Session:
    """Where a request is answered.

    Args:
        model: its short name, such as harmony.
        folder: what is shown is written there.
        cache_dir: prepared data, which a rhythm may come from.
        seed: of what is drawn.
        say: prints a line and returns False when nobody reads it any more; the Python API says nothing.
        sound: a WAV file is written for each MIDI file.
    """

    model: str
    folder: Path
    cache_dir: Path
    seed: int = 1
    say: Callable[[str], bool] = lambda line: True
    sound: bool = False

    def write_midi(self, target: Path, midi: bytes, picture: bytes | None = None) -> str:
        """Writes a MIDI file, its picture, and where `sound` says so its sound. Every model's `show` writes its MIDI by this.

        The others have the MIDI file's name (`midi.companions`). Where there can be no sound, `say` is told why.

        Args:
            target: the MIDI file.
            midi: its bytes.
            picture: a PNG file; None is none.

        Returns:
            The names of the files that were written, with commas between.

        Raises:
            FileError: one can't be written.
        """
        from kmidi_lab.midi.companions import companions
        from kmidi_lab.midi.sound import NoSoundError, wav_bytes

        endings = (".wav",) if picture is None else (".wav", ".png")
        wav, *png = companions(target, endings, self.folder, self.say)
        files = {target: midi}
        if self.sound:
            try:
                files[wav] = wav_bytes(midi)
            except NoSoundError as error:
                self.say(str(error))
        if picture is not None:
            files[png[0]] = picture
        for path, data in files.items():
            write_atomic(path, data)
        return ", ".join(map(str, files))


class Request(Bounded, ABC, Generic[Answer]):
    """Base of the class that `predict._target_` names in conf/model/<m>.yaml; its constructor takes that block's keys.

    A constructor raises ConfigError for a value that is out of range, before any work is done.
    """

    config_key = "predict"

    contract: ClassVar[Contract | None] = None
    """The model's, where it is from outside the lab: `load` finds it here, without importing torch."""
    without_model: ClassVar[str | None] = None
    """What answers where no model is published; None where nothing can."""
    ways: ClassVar[tuple[Way, ...]] = ()
    """How the page asks it; without any the page leaves it out."""

    @classmethod
    def warnings(cls, published: Published) -> list[str]:
        """What whoever asks the model should know of it."""
        return published.warnings()

    @abstractmethod
    def run(self, published: Published | None, session: Session) -> Answer:
        """The answer of the model, or of what stands in for it where `published` is None; writes nothing.

        Raises:
            UserError: what is asked about can't be used.
        """

    def vector(self, published: Published) -> NDArray[np.float32] | None:
        """`[N]`, what the model is given for this question; None where that is not one vector."""
        return None

    @classmethod
    def stream(cls, published: Published, **settings: Any) -> Any:
        """The model for live use, with `push` and `reset`; without a way of its own it takes contract vectors."""
        return VectorStream(published)

    @classmethod
    def stream_settings(cls) -> tuple[str, ...]:
        """The names that `stream` takes; without a way of its own it takes none."""
        return ()

    @abstractmethod
    def show(self, answer: Answer, session: Session) -> None:
        """Prints the answer and writes its files."""

    @classmethod
    def rows(cls, answer: Answer) -> list[tuple[str, str]]:
        """The answer in words, for the page: what is told, and what it is; none where it is music to be played."""
        return []

    asks_about: ClassVar[tuple[str, ...]] = ()
    """Endings of the files that `task=queue` finds questions in; none where people can't be asked to label for it."""
    asks_by: ClassVar[str] = "margin"
    """How `task=queue` ranks where the user does not say."""

    typed_label: ClassVar[str] = ""
    """What the page asks for where a label may be typed, too; empty where `choices` are all there are."""
    tapped_label: ClassVar[bool] = False
    """Whether the label is a tempo, which can be tapped."""

    @classmethod
    def labels(cls, published: Published) -> list[str]:
        """The labels that all questions share; none where each question has its own, as `choices` gives them."""
        return []

    @classmethod
    def questions(cls, path: Path, published: Published) -> Iterator[Question]:
        """What there is to label in a file.

        Raises:
            UserError: it can't be read.
        """
        raise NotImplementedError

    @classmethod
    def asked(cls, question: Question, published: Published) -> Guess:
        """What the model makes of a question.

        Raises:
            UserError: it can't be asked.
        """
        raise NotImplementedError

    @classmethod
    def choices(cls, question: Question, guess: Guess, published: Published) -> list[str]:
        """The labels that a person can give by one key."""
        return cls.labels(published)

    @classmethod
    def checked_label(cls, text: str, published: Published) -> str:
        """A label as it is stored, however it is capitalised. Raises ConfigError: it is none of this model's."""
        allowed = cls.labels(published)
        alike = [label for label in allowed if label.casefold() == text.casefold()]
        if text not in alike and len(alike) != 1:
            raise ConfigError(one_of("label", text[:64], allowed))
        return text if text in alike else alike[0]

    @classmethod
    def alike(cls, a: str, b: str) -> bool:
        """Whether two raters' labels say the same."""
        return a == b

    @classmethod
    def heard(cls, question: Question, label: str) -> bytes | None:
        """A MIDI file of the question, with `label` as its answer where that is not empty; None where there is none."""
        return None


class Model:
    """A published model to ask.

    `name` is its short name, `root` the folder it was read from, `entry` what the registry says of it, and `warnings`
    is what whoever uses it should know.
    """

    def __init__(self, name: str, root: Path, published: Published, request: type[Request[Any]]) -> None:
        self.name, self.root, self.entry = name, root, published.entry
        self.warnings: list[str] = request.warnings(published)
        self._published, self._request = published, request

    def predict(self, *args: Any, seed: int = 1, **kwargs: Any) -> Any:
        """The answer to one question; nothing is kept for the next one.

        Args:
            args, kwargs: those of the class that `predict._target_` in conf/model/<name>.yaml names: the keys of
                `predict` there.
            seed: of what is drawn; the same seed gives the same answer.

        Raises:
            UserError: what is asked, or asked about, can't be used.
        """
        check_arguments(self._request, args, kwargs)
        request = self._request(*map(_at_home, args), **{name: _at_home(value) for name, value in kwargs.items()})
        cache = Path(os.environ.get("OUTPUT_ROOT") or "outputs") / "cache"
        published = replace(self._published, model=copy(self._published.model))
        return request.run(published, Session(self.name, Path(), cache, checked_seed(seed)))

    def stream(self, **settings: Any) -> Any:
        """The model for live use: `push(…)` answers and keeps the state for the next call, `reset()` begins anew.

        Args:
            settings: of the model's stream; most take none. Streams know nothing of each other.

        Raises:
            ConfigError: a setting that the stream does not take, or out of range.
        """
        allowed = self._request.stream_settings()
        for name in settings:
            if name not in allowed:
                takes = (
                    one_of("stream", name, allowed) if allowed else f"stream: {name!r} is not allowed; it takes none"
                )
                raise ConfigError(takes)
        check_kinds(self._request, settings)
        return self._request.stream(self._published, **settings)


def _at_home(value: Any) -> Any:
    """`~` of a path as the home folder; anything else as it is."""
    return type(value)(with_home(str(value))) if isinstance(value, str | Path) else value


def request_of(model: str, config_dirs: Sequence[Path] = (), trusted: Sequence[str] = ()) -> type[Request[Any]]:
    """The class that `predict._target_` in a model's config names.

    Args:
        model: its short name.
        config_dirs: folders that are looked into beside the lab's own.
        trusted: top-level packages whose classes such a config may name.

    Raises:
        ConfigError: no such model, or its config names a class that it may not.
    """
    declared = models((conf_dir(), *config_dirs))
    if model not in declared:
        raise ConfigError(one_of("model", model, sorted(declared)))
    if "predict" not in declared[model]:
        raise ConfigError(f"the {model} model can't be asked: its config has no predict; load another")
    return find(declared[model]["predict"]["_target_"], Request, trusted)


def load(
    model: str,
    models_root: str | Path | None = None,
    config_dir: str | Path | None = None,
    trusted: Sequence[str] = (),
    adapter: str | Path | None = None,
    **others: object,
) -> Model:
    """A published model by its short name, such as `harmony`.

    Args:
        model: a file of conf/model, or of `model/` in `config_dir`.
        models_root: a folder with a registry. By default MODELS_ROOT of the environment where it has one, else the
            release that comes with the package.
        config_dir: a config folder of models from outside the lab, as `--config-dir` on the command line.
        trusted: top-level packages whose classes such a config may name; all their code is trusted.
        adapter: the folder of a user's own version of it, as task=adapt has written it.
        others: none; whatever is given here is refused by its name.

    Raises:
        ConfigError: no such model or argument, its config names a class that it may not, or the adapter is another release's.
        RegistryError: it isn't published there, or its files are broken.
    """
    for name in others:
        raise ConfigError(one_of("load", name, [n for n in signature(load).parameters if n != "others"]))
    own = () if config_dir is None else (outside(str(_at_home(config_dir)), "config_dir"),)
    request = request_of(model, own, trusted)
    if model not in CONTRACTS:
        if request.contract is None or request.contract.model != model:
            raise ConfigError(
                f"{request.__qualname__} doesn't name the contract of {model}; set contract in that class"
            )
        register(request.contract)
    root = Path(_at_home(str(models_root))) if models_root is not None else default_root()
    published = load_published(root, model) if root else None
    if root is None or published is None:
        raise RegistryError(f"no trained {model} model in {root or 'this package'}; train one, or name its folder")
    if adapter is not None:
        published = with_adapter(published, Path(_at_home(str(adapter))))
    return Model(model, root, published, request)
