"""What plays where no model is published: a rule for where notes fall and how far they spread."""

from __future__ import annotations

import numpy as np

from kmidi_lab.models.microtiming.contract import MICROTIMING
from kmidi_lab.models.microtiming.notes import ROLES

_LEAD_ROLE_MS, _SNARE_LATE_MS = -8.0, 5.0
_SPREAD_MS = np.array([-12.0, -6.0, 0.0, 6.0, 12.0])
_ON_BEAT, _BETWEEN = 0.63, 0.5
_OUT = {s.name: s.index for s in MICROTIMING.outputs}
_IN = {s.name: s.index for s in MICROTIMING.inputs}
_LEAD_MS = 30.0


def by_rule(x: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """`[N, 64]` vectors to `[N, 16]` outputs, as the model gives them; `unit` `[N]` ms of an offset of 1.

    A melody leads what accompanies it (Goebl, *Melody lead in piano performance*, JASA 2001) and a snare comes a little
    late (Camara et al., JASA 2020); the figures are ours. Beats are louder than what stands between.
    """
    role = x[:, _IN["role"]]
    late = _LEAD_ROLE_MS * role[:, ROLES.index("lead")] + _SNARE_LATE_MS * role[:, ROLES.index("snare")]
    late = late + x[:, _IN["lead"].start] * _LEAD_MS
    offsets = np.clip((late[:, None] + _SPREAD_MS) / unit[:, None], -1, 1)
    out = np.zeros((len(x), MICROTIMING.output_size), np.float32)
    out[:, _OUT["quantiles"]] = offsets[:, [0, 1, 3, 4]]
    out[:, _OUT["median"]] = offsets[:, 2:3]
    on_beat = x[:, _IN["step"]][:, ::4].any(1)
    out[:, _OUT["velocity"].start] = np.where(on_beat, _ON_BEAT, _BETWEEN)
    out[:, _OUT["velocity_spread"].start] = 0.04
    return out
