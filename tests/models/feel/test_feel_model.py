"""The network of AudioFeelAnalyzer: its two parts, its training, its confidence and its artefacts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.feel_songs import Data, batch_of, excerpt, perfect, small

from kmidi_lab.contracts import FEEL
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.models.feel.features import CURVES, SPREADS, UNTAUGHT
from kmidi_lab.models.feel.losses import losses
from kmidi_lab.models.feel.module import AudioFeelAnalyzer
from kmidi_lab.models.feel.network import PULSE, USUAL
from kmidi_lab.nn.audio import strided_forward


@pytest.mark.slow
def test_what_is_never_taught_stays_zero_and_the_rest_is_learnt() -> None:
    tempos = np.random.default_rng(1).uniform(60, 190, 6)
    module, batch = small(), batch_of([excerpt(bpm, n) for n, bpm in enumerate(tempos)])
    optimiser = torch.optim.AdamW(module.parameters(), 1e-2)
    before: dict[str, float] = {}
    for step in range(40):
        outputs = strided_forward(module.network, batch.x, module.stride)
        some = batch._replace(events=batch.events[:, :: module.stride], curves=batch.curves[:, :: module.stride])
        each = losses(outputs, some, 4.0, 32)
        if step == 0:
            before = {name: float(value.detach()) for name, value in each.items()}
        optimiser.zero_grad()
        sum(each.values()).backward()  # type: ignore[union-attr]
        optimiser.step()
    assert all(float(each[name].detach()) < 0.8 * before[name] for name in ("tempo", "events", "values"))
    for name in UNTAUGHT:
        assert not outputs[..., FEEL.output(name).index].any()


def test_tempo_and_values_are_learnt_by_parts_of_their_own() -> None:
    """What the loss of one asks for moves no weight of the other, so that neither is learnt at the other's cost."""
    batch, moved = batch_of([excerpt(120), excerpt(90, 1)]), {}
    batch.curves[..., CURVES.index("density")] = torch.nan  # the part that hears onsets counts them, too
    for told in (("tempo", "events", "confidence"), ("values", "agreement")):
        module = small()
        each = losses(module.network(batch.x), batch, 4.0, 128)
        sum(each[name] for name in told).backward()  # type: ignore[union-attr]
        moved[told] = {n for n, p in module.named_parameters() if p.grad is not None and p.grad.any()}
    pulse_part, value_part = moved.values()
    assert pulse_part and value_part and not pulse_part & value_part


def test_every_fourth_output_of_both_parts_is_that_of_the_whole_network() -> None:
    module, x = small().eval(), torch.randn(2, 301, 128)
    with torch.no_grad():
        assert torch.allclose(strided_forward(module.network, x, 4), module.network(x)[:, ::4], atol=1e-5)
    with pytest.raises(ValueError, match="must be multiples of 5"):
        strided_forward(module.network, x, 5)


def test_each_output_stands_where_the_contract_says() -> None:
    """A part whose last layer says the place of each output has it there, values in spreads from what is usual."""
    network = small().network.eval()
    _, heads, _ = network
    told = [[s for s in FEEL.outputs if (s.name in PULSE) == of_pulse] for of_pulse in (True, False)]
    with torch.no_grad():
        for branch, slices in zip(heads.branches, told, strict=True):
            *_, last = branch
            last.weight.zero_()
            last.bias.copy_(torch.cat([torch.arange(s.start, s.stop) for s in slices]))
        said = network(torch.zeros(1, 3, 128))[0, -1].numpy()
    expected = np.arange(FEEL.output_size, dtype=float)
    for name, spread in SPREADS.items():
        expected[FEEL.output(name).start] = USUAL[name] + spread * FEEL.output(name).start
    assert said == pytest.approx(expected, rel=1e-6)


def test_validation_sets_the_confidence_and_nothing_else() -> None:
    """It says 120 for each, and is a little surer of the half that is; the exported network then says how often it is right."""
    songs = [replace(excerpt(120 if n % 2 else 90, n), split="val") for n in range(12)]
    turns, place = iter(range(len(songs))), FEEL.output("confidence").start

    def call(x: np.ndarray) -> np.ndarray:
        out = perfect(songs[1])[None]
        out[..., place] = 4.0 + next(turns) % 2
        return out

    module = small().eval()
    with torch.no_grad():
        before = module.network(probe := torch.randn(1, 50, 128))
        assert module.calibrate(call, Data(val=songs)) == []
        after = module.network(probe)
    assert torch.equal(before[..., :place], after[..., :place])
    *_, last = module.network
    slope, offset = last.weight[place].sum().item(), last.bias[place].item()
    assert slope > 1 and slope * 4.5 + offset == pytest.approx(0, abs=0.01), "half are right"


@pytest.mark.slow
def test_both_artefacts_take_it_and_it_is_small_enough() -> None:
    assert AudioFeelAnalyzer().parameter_count < 300_000
    module = small().eval()
    assert export_onnx(module.export_network(), FEEL) and export_rtneural(module.export_network(), FEEL)
