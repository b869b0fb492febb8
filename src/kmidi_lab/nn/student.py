"""What a model says about the recurrent student that RTNeural gets in its place."""

from __future__ import annotations

from dataclasses import dataclass

from kmidi_lab.errors import ConfigError
from kmidi_lab.nn.streaming import Streaming


@dataclass(frozen=True)
class StudentPlan:
    """A student and how long it learns.

    Args:
        network: untrained, same inputs and outputs as the teacher, RTNeural's layers only.
        architecture: layer sizes in one line, for the card.
        epochs: passes over the training sequences. learning_rate: peak of the one-cycle schedule.

    Raises:
        ConfigError: a value is out of range.
    """

    network: Streaming
    architecture: str
    epochs: int
    learning_rate: float

    def __post_init__(self) -> None:
        if self.epochs < 1 or not 0 < self.learning_rate <= 1:
            raise ConfigError(
                f"the student's epochs={self.epochs} must be 1 or more, its learning_rate={self.learning_rate} "
                "above 0 and at most 1"
            )
