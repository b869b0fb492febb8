"""Commands that a task prints for the user: with the folders and packages that were typed, so that they work as they
stand.
"""

from __future__ import annotations

import shlex

from hydra.core.hydra_config import HydraConfig

from kmidi_lab.overrides import as_value, unquoted

_KEPT = ("models_root=", "paths.", "data.root=", "trusted=")


def command(*words: str, **values: object) -> str:
    """What to type, for a shell.

    Args:
        words: such as `task=label`; what was typed of folders and packages comes behind them, unless they name it.
        values: by key, with `__` for a dot; written so that Hydra and the shell take them as they are.
    """
    own = [*words, *(f"{key.replace('__', '.')}={as_value(value)}" for key, value in values.items())]
    named = {word.partition("=")[0] for word in own}
    typed = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    kept = [unquoted(w) for w in typed if w.startswith(_KEPT) and w.partition("=")[0] not in named]
    return " ".join(shlex.quote(word) for word in [*own, *kept])
