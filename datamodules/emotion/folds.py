"""Folds by speaker: whoever is heard in testing was never heard in training."""

from __future__ import annotations

from collections.abc import Mapping

from kmidi_lab.errors import ConfigError


def split_speakers(female: Mapping[str, bool], folds: int, fold: int, val_speakers: int) -> dict[str, str]:
    """`train`, `val` or `test` for every speaker.

    Men, then women, in order of name, are dealt to the folds in turn; one fold is the test, and of those dealt to the
    folds behind it the first ones, men and women in turn, are validation.

    Args:
        female: of every speaker.
        folds: 0 is as many as there are speakers: leave one out.
        fold: from 0.

    Raises:
        ConfigError: there is no such fold, or nobody is left to train on.
    """
    speakers = sorted(female, key=lambda name: (female[name], name))
    count = folds or len(speakers)
    if not 0 <= fold < count or count > len(speakers):
        raise ConfigError(
            f"data.fold={fold} of data.folds={folds}: there are {len(speakers)} speakers; data.folds is at most that (0 is "
            f"that many), data.fold 0 to {min(count, len(speakers)) - 1}"
        )
    behind = {name: (place - fold) % count for place, name in enumerate(speakers)}
    waiting = sorted((name for name in speakers if behind[name]), key=lambda name: behind[name])
    val = _in_turn([n for n in waiting if not female[n]], [n for n in waiting if female[n]])[:val_speakers]
    if len(val) >= len(waiting):
        raise ConfigError(f"data.val_speakers={val_speakers} leaves nobody to train on; give a smaller number")
    return {name: "test" if not behind[name] else "val" if name in val else "train" for name in speakers}


def _in_turn(first: list[str], second: list[str]) -> list[str]:
    """One of each as long as there are both, then the rest."""
    both = min(len(first), len(second))
    pairs = [name for pair in zip(first[:both], second[:both], strict=True) for name in pair]
    return pairs + first[both:] + second[both:]
