"""What the network may do otherwise than the paper's, switch by switch."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from sklearn_astromer.network import AstromerNetwork, NetworkConfig
from sklearn_astromer.network.inputs import N_PERIOD_FACTS, visible_spread
from sklearn_astromer.network.time_encoding import PeriodEncoding

N_POSITIONS = 12
SWITCHES: dict[str, dict[str, Any]] = {
    "residual": {"residual": True},
    "standardised": {"standardised": True},
    "errors": {"with_errors": True},
    "periods": {"shortest_period": 0.1, "longest_period": 100.0},
    "cycles": {"cycle_multiples": (0.5, 1.0, 2.0)},
}
SWITCHES["all"] = {name: value for switch in SWITCHES.values() for name, value in switch.items()}


def make_network(**departures: Any) -> AstromerNetwork:
    config = NetworkConfig(
        embedding_size=16,
        n_blocks=2,
        n_heads=2,
        feedforward_size=8,
        window_size=N_POSITIONS,
        dropout=0.0,
        **departures,
    )
    network = AstromerNetwork(config).eval()
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.empty_like(parameter).normal_(0, 0.4, generator=generator))
    return network


@pytest.fixture
def windows() -> dict[str, Tensor]:
    """Three windows: one with hidden and padded positions, one full, one without a period."""
    generator = torch.Generator().manual_seed(5)
    shape = (3, N_POSITIONS)
    time = torch.rand(shape, generator=generator, dtype=torch.float64).cumsum(1) * 40
    hidden = torch.zeros(shape, dtype=torch.bool)
    padding = torch.zeros(shape, dtype=torch.bool)
    hidden[0, 2] = hidden[0, 6] = hidden[2, 0] = True
    padding[0, 9:] = True
    cycle = time / 3.7
    cycle[2] = torch.nan
    period = torch.rand(3, N_PERIOD_FACTS, generator=generator)
    period[2] = 0
    error = torch.rand(shape, generator=generator) / 10 + 0.01
    error[1, 3] = torch.nan
    magnitude = torch.randn(shape, generator=generator)
    return {
        "time": time.masked_fill(padding, 0),
        "magnitude": magnitude.masked_fill(padding, 0),
        "hidden": hidden,
        "padding": padding,
        "error": error,
        "cycle": cycle,
        "period": period,
    }


def both(network: AstromerNetwork, windows: dict[str, Tensor]) -> list[Tensor]:
    real = ~windows["padding"]
    with torch.no_grad():
        return [network.encoder(**windows)[real], network(**windows)[real]]


@pytest.fixture(params=list(SWITCHES))
def network(request: pytest.FixtureRequest) -> AstromerNetwork:
    return make_network(**SWITCHES[request.param])


def test__network__any_departure__keeps_numbers_finite(
    network: AstromerNetwork, windows: dict[str, Tensor]
) -> None:
    with torch.no_grad():
        embedding = network.encoder(**windows)
    assert embedding.shape == (3, N_POSITIONS, 16)
    assert embedding[~windows["padding"]].isfinite().all()


@pytest.mark.parametrize("switch", ["residual", "standardised"])
def test__network__a_departure__changes_what_the_same_weights_give(
    switch: str, windows: dict[str, Tensor]
) -> None:
    network, paper = make_network(**SWITCHES[switch]), make_network()
    shared = {
        name: value for name, value in network.state_dict().items() if name in paper.state_dict()
    }
    paper.load_state_dict(shared)
    assert not torch.allclose(both(network, windows)[0], both(paper, windows)[0], atol=1e-2)


def test__network__padding_or_hidden_numbers_change__nothing_else_does(
    network: AstromerNetwork, windows: dict[str, Tensor]
) -> None:
    before = both(network, windows)
    changed = dict(windows)
    unseen = windows["hidden"] | windows["padding"]
    changed["magnitude"] = torch.where(unseen, 7.0, windows["magnitude"])
    changed["error"] = torch.where(unseen, 0.7, windows["error"])
    changed["time"] = windows["time"].masked_fill(windows["padding"], 3.0)
    changed["cycle"] = windows["cycle"].masked_fill(windows["padding"], torch.nan)
    for one, other in zip(before, both(network, changed), strict=True):
        assert torch.equal(one, other)
    changed["magnitude"] = torch.where(~unseen, 7.0, windows["magnitude"])
    assert not torch.equal(before[0], both(network, changed)[0])


def test__network__without_padding__equals_the_padded_window(
    network: AstromerNetwork, windows: dict[str, Tensor]
) -> None:
    alone = {
        name: value[:1] if name == "period" else value[:1, :9] for name, value in windows.items()
    }
    for one, other in zip(both(network, alone), both(network, windows), strict=True):
        torch.testing.assert_close(one, other[:9], atol=2e-6, rtol=0)


def test__network__in_training__predicts_as_in_evaluation(
    network: AstromerNetwork, windows: dict[str, Tensor]
) -> None:
    evaluated, trained = both(network, windows), both(network.train(), windows)
    for one, other in zip(evaluated, trained, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test__network__order_of_windows__is_kept(
    network: AstromerNetwork, windows: dict[str, Tensor]
) -> None:
    order = torch.tensor([2, 0, 1])
    with torch.no_grad():
        straight = network.encoder(**windows)[order]
        turned = network.encoder(**{name: value[order] for name, value in windows.items()})
    real = ~windows["padding"][order]
    torch.testing.assert_close(straight[real], turned[real], atol=2e-6, rtol=0)


def test__network__double__runs_and_agrees(
    network: AstromerNetwork, windows: dict[str, Tensor]
) -> None:
    single = both(network, windows)[0]
    network.encoder.double()
    with torch.no_grad():
        given = windows | {"magnitude": windows["magnitude"].double()}
        exact = network.encoder(**given)[~windows["padding"]]
    assert exact.dtype == torch.float64
    torch.testing.assert_close(single.double(), exact, atol=1e-5, rtol=0)


def test__network__any_departure__learns(
    network: AstromerNetwork, windows: dict[str, Tensor]
) -> None:
    network(**windows)[windows["hidden"]].square().sum().backward()
    # A query's softmax does not feel the bias of the keys; everything else has to be felt.
    idle = {
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    }
    assert not idle


def test__standardised__magnitudes_in_other_units__prediction_follows(
    windows: dict[str, Tensor],
) -> None:
    network = make_network(standardised=True)
    with torch.no_grad():
        network.encoder.spread_projection.weight.zero_()  # type: ignore[union-attr]
        before = network(**windows)
        windows["magnitude"] = 3 * windows["magnitude"] + 5
        after = network(**windows)
    real = ~windows["padding"]
    torch.testing.assert_close(after[real], (3 * before + 5)[real], atol=1e-4, rtol=1e-5)


def test__visible_spread__by_hand__counts_what_is_visible_only() -> None:
    magnitude = torch.tensor([[1.0, 3.0, 50.0, 9.0], [2.0, 2.0, 2.0, 2.0]])
    hidden = torch.tensor([[False, False, True, False], [False] * 4])
    padding = torch.tensor([[False, False, False, True], [False] * 4])
    spread = visible_spread(magnitude, hidden, padding)
    assert spread.mean[:, 0].tolist() == [2.0, 2.0]
    assert spread.deviation[:, 0].tolist() == pytest.approx([1.0, 1e-4])


def test__errors__not_given__are_unknown(windows: dict[str, Tensor]) -> None:
    network = make_network(with_errors=True)
    without = {name: value for name, value in windows.items() if name != "error"}
    unknown = windows | {"error": torch.full_like(windows["error"], torch.nan)}
    for one, other in zip(both(network, without), both(network, unknown), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test__cycles__whole_ones_more__change_nothing(windows: dict[str, Tensor]) -> None:
    network = make_network(cycle_multiples=(0.5, 1.0, 3.0))
    before = both(network, windows)[0]
    # Half a multiple comes round after two.
    later = both(network, windows | {"cycle": windows["cycle"] + 2000})[0]
    torch.testing.assert_close(before, later, atol=1e-5, rtol=0)
    odd = both(network, windows | {"cycle": windows["cycle"] + 1})[0]
    assert not torch.allclose(before, odd, atol=1e-3)


def test__cycles__not_given__error_says_so(windows: dict[str, Tensor]) -> None:
    del windows["cycle"]
    with pytest.raises(ValueError, match="needs the cycle and the period"):
        make_network(cycle_multiples=(1.0,)).encoder(**windows)


def test__period_encoding__of_one_period__comes_round() -> None:
    encoding = PeriodEncoding(8, 0.5, 64.0)
    longest = torch.tensor([0.0, 64.0], dtype=torch.float64)
    with torch.no_grad():
        encoding.projection.weight.copy_(torch.eye(8))
        encoding.projection.bias.zero_()
        one, other = encoding(longest)
        quarter = encoding(torch.tensor([16.0], dtype=torch.float64))[0]
    # 64 days are whole turns of the longest period, 64 days, and of the shortest.
    assert one[[0, 3, 4, 7]].tolist() == pytest.approx([0, 0, 1, 1], abs=1e-6)
    assert other[[0, 3, 4, 7]].tolist() == pytest.approx([0, 0, 1, 1], abs=1e-5)
    assert quarter[3].item() == pytest.approx(math.sin(math.pi / 2))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"residual": 1}, "residual must be True or False"),
        ({"shortest_period": 1.0}, "must be given together"),
        ({"shortest_period": 2.0, "longest_period": 1.0}, "shorter than longest_period"),
        ({"shortest_period": 0.0, "longest_period": 1.0}, "must be positive"),
        (
            {"shortest_period": 0.1, "longest_period": 1.0, "embedding_size": 5, "n_heads": 1},
            "must be even",
        ),
        ({"cycle_multiples": (1.0, -1.0)}, "cycle_multiples must be positive"),
        ({"residual": True, "attention": "additive"}, "paper's network alone"),
    ],
)
def test__network_config__impossible_departure__is_named(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**values)
