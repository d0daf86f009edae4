"""Heads: sizes of the paper, what they read, and that padding plays no part."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from example_curves import random_network
from example_heads import HEAD_NAMES, headed_network
from torch import Tensor, nn

from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.network.heads import (
    HeadedNetwork,
    LSTMHead,
    MLPHead,
    SkipHead,
    Standardise,
    make_head,
)

NAMES = (*HEAD_NAMES, "lstm alone")
LENGTHS = torch.tensor([5, 12, 1, 9, 12, 3])


@pytest.fixture
def windows() -> dict[str, Tensor]:
    """Six windows of twelve positions and fewer observations."""
    generator = torch.Generator().manual_seed(5)
    padding = torch.arange(12) >= LENGTHS[:, None]
    time = torch.rand(6, 12, generator=generator, dtype=torch.float64).cumsum(1) * 40
    magnitude = torch.randn(6, 12, generator=generator)
    return {
        "length": LENGTHS,
        "padding": padding,
        "time": time.masked_fill(padding, 0),
        "magnitude": magnitude.masked_fill(padding, 0),
    }


def outputs_of(network: HeadedNetwork, windows: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        return network(**windows)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", NAMES)
def test__headed_network__outputs__one_row_per_window_and_all_different(
    name: str, windows: dict[str, Tensor]
) -> None:
    output = outputs_of(headed_network(name, n_outputs=4), windows)
    assert output.shape == (6, 4)
    assert output.dtype == torch.float32
    assert len(output.unique(dim=0)) == 6


@pytest.mark.parametrize("name", NAMES)
def test__headed_network__rubbish_in_padding__changes_nothing(
    name: str, windows: dict[str, Tensor]
) -> None:
    network = headed_network(name)
    before = outputs_of(network, windows)
    padding = windows["padding"]
    rubbish = {part: windows[part].masked_fill(padding, 1e6) for part in ("time", "magnitude")}
    assert torch.equal(outputs_of(network, windows | rubbish), before)


@pytest.mark.parametrize("name", NAMES)
def test__headed_network__each_window_alone_without_padding__is_the_same(
    name: str, windows: dict[str, Tensor]
) -> None:
    # With all windows of a batch as long as the longest, and with some longer than that.
    network = headed_network(name)
    together = outputs_of(network, windows)
    for k, n in enumerate(LENGTHS):
        alone = {part: windows[part][k : k + 1, :n] for part in ("time", "magnitude")}
        alone["length"] = LENGTHS[k : k + 1]
        torch.testing.assert_close(outputs_of(network, alone)[0], together[k], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test__headed_network__windows_in_another_order__outputs_go_with_them(
    name: str, windows: dict[str, Tensor]
) -> None:
    network = headed_network(name)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    moved = outputs_of(network, {part: value[order] for part, value in windows.items()})
    torch.testing.assert_close(moved, outputs_of(network, windows)[order], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test__headed_network__any_observation_changed__changes_its_window_alone(
    name: str, windows: dict[str, Tensor]
) -> None:
    # With the tests above: fails where padding is inverted, or another position read.
    network = headed_network(name)
    before = outputs_of(network, windows)
    for position in (0, 4, 8):
        magnitude = windows["magnitude"].clone()
        magnitude[3, position] += 1
        changed = (outputs_of(network, windows | {"magnitude": magnitude}) - before).abs().amax(1)
        assert changed[3] > 1e-6
        assert changed.nonzero().tolist() == [[3]]


@pytest.mark.parametrize("name", NAMES)
def test__headed_network__features_read_before__give_the_same(
    name: str, windows: dict[str, Tensor]
) -> None:
    network = headed_network(name)
    with torch.no_grad():
        features = network.read(**windows)
        again = network(length=windows["length"], features=features)
        alone = HeadedNetwork(network.head)(length=windows["length"], features=features)
    assert torch.equal(again, outputs_of(network, windows))
    assert torch.equal(alone, again)


def test__read__each_reading__is_what_the_encoder_gives(windows: dict[str, Tensor]) -> None:
    given = {part: windows[part] for part in ("time", "magnitude", "padding")}
    networks = {name: headed_network(name) for name in HEAD_NAMES}
    encoder = random_network().encoder
    with torch.no_grad():
        readings = {name: network.read(**windows) for name, network in networks.items()}
        x = encoder.magnitude_projection(given["magnitude"][:, :, None])
        blocks = [x + encoder.time_encoding(given["time"])]
        # An exclusion by hand: minus infinity at the keys that are padding.
        bias = torch.zeros(6, 1, 1, 12).masked_fill(given["padding"][:, None, None], -torch.inf)
        for block in encoder.blocks:
            blocks.append(block(blocks[-1], bias))
    for k, n in enumerate(LENGTHS):
        means = torch.stack([block[k, :n].mean(0) for block in blocks])
        for name in ("linear", "mlp"):
            torch.testing.assert_close(readings[name][k], means[-1], atol=1e-5, rtol=0)
        torch.testing.assert_close(readings["skip"][k], means, atol=1e-5, rtol=0)
        torch.testing.assert_close(readings["lstm"][k, :n], blocks[-1][k, :n], atol=1e-5, rtol=0)


@pytest.mark.parametrize("n_blocks", [1, 3])
def test__encoder_outputs__last__is_what_forward_gives(
    n_blocks: int, windows: dict[str, Tensor]
) -> None:
    encoder = random_network(n_blocks=n_blocks).encoder
    given = {part: windows[part] for part in ("time", "magnitude", "padding")}
    hidden = torch.zeros(6, 12, dtype=torch.bool)
    hidden[:, 0] = True
    with torch.no_grad():
        for inputs in (given, given | {"hidden": hidden}):
            outputs = encoder.outputs(**inputs)
            assert len(outputs) == n_blocks + 1
            assert torch.equal(outputs[-1], encoder(**inputs))


def test__headed_network__without_encoder__reads_time_and_magnitude(
    windows: dict[str, Tensor],
) -> None:
    reading = HeadedNetwork(LSTMHead(2, 3)).read(**windows)
    assert reading.dtype == torch.float32
    assert torch.equal(reading[:, :, 0], windows["time"].float())
    assert torch.equal(reading[:, :, 1], windows["magnitude"])


@pytest.mark.parametrize("name", NAMES)
def test__headed_network__in_float64__is_float64_all_through(
    name: str, windows: dict[str, Tensor]
) -> None:
    single, double = headed_network(name), headed_network(name).double()
    with torch.no_grad():
        assert double.read(**windows).dtype == torch.float64
    output = outputs_of(double, windows)
    assert output.dtype == torch.float64
    error = (output - outputs_of(single, windows)).abs().max()
    assert 0 < error < 1e-3


# ---- sizes ----


def test__make_head__mlp__has_the_papers_layers() -> None:
    head = make_head("mlp", NetworkConfig(), 7)
    assert isinstance(head, MLPHead)
    kinds = [type(layer) for layer in head.layers]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]
    shapes = [tuple(layer.weight.shape) for layer in head.layers if isinstance(layer, nn.Linear)]
    assert shapes == [(1024, 256), (512, 1024), (256, 512), (7, 256)]


def test__make_head__lstm__has_the_papers_layers() -> None:
    head = make_head("lstm", NetworkConfig(), 7)
    assert isinstance(head, LSTMHead)
    # Four gates with two biases each (torch's way), a LayerNorm behind each layer, the output.
    layer = 4 * (256 * (256 + 256) + 2 * 256)
    assert count(head) == 2 * layer + 2 * 512 + 256 * 7 + 7
    assert head.first.hidden_size == head.second.hidden_size == 256
    baseline = LSTMHead(2, 7)
    assert count(baseline) == count(head) - 4 * 256 * (256 - 2)


def test__make_head__linear_and_skip__have_what_they_need() -> None:
    assert count(make_head("linear", NetworkConfig(), 7)) == 256 * 7 + 7
    mlp = count(make_head("mlp", NetworkConfig(), 7))
    for n_blocks in (1, 2, 5):
        skip = make_head("skip", NetworkConfig(n_blocks=n_blocks), 7)
        assert count(skip) == mlp + n_blocks + 1


# ---- the skip head ----


def test__skip_head__mixture__is_a_softmax_over_input_and_blocks() -> None:
    network = headed_network("skip", n_blocks=3)
    head = network.head
    assert isinstance(head, SkipHead)
    features = torch.randn(5, 4, 8, generator=torch.Generator().manual_seed(0))
    raw = head.mixture.detach().numpy().astype(np.float64)
    weight = np.exp(raw) / np.exp(raw).sum()
    assert len(raw) == 4
    mean, scale = (part.numpy() for part in (head.standardise.mean, head.standardise.scale))
    mixed = np.einsum("k,nkd->nd", weight, (features.numpy() - mean) / scale)
    with torch.no_grad():
        expected = head.layers(torch.from_numpy(mixed).float())
        torch.testing.assert_close(head(features, torch.ones(5)), expected, atol=1e-5, rtol=0)


def test__skip_head__new__mixes_all_alike() -> None:
    head = make_head("skip", NetworkConfig(), 2)
    assert isinstance(head, SkipHead)
    np.testing.assert_allclose(head.mixture.softmax(0).detach(), [1 / 3] * 3, rtol=1e-6)


# ---- the LSTM ----


def lstm_layer(x: np.ndarray, layer: nn.LSTM) -> np.ndarray:
    """Hochreiter & Schmidhuber's cell with forget gate, step by step, in float64."""
    input_weight, state_weight, input_bias, state_bias = (
        layer.get_parameter(name).detach().double().numpy()
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    )

    def sigmoid(value: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-value))

    state = cell = np.zeros(layer.hidden_size)
    states = []
    for row in x:
        gates = input_weight @ row + input_bias + state_weight @ state + state_bias
        enter, forget, candidate, leave = np.split(gates, 4)
        cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(candidate)
        state = sigmoid(leave) * np.tanh(cell)
        states.append(state)
    return np.array(states)


def layer_norm(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


@pytest.mark.parametrize("n_observations", [1, 4, 12])
def test__lstm_head__any_length__equals_the_cells_computed_by_hand(n_observations: int) -> None:
    head = headed_network("lstm").head
    assert isinstance(head, LSTMHead)
    features = torch.randn(1, 12, 8, generator=torch.Generator().manual_seed(1))
    mean, scale = (part.numpy() for part in (head.standardise.mean, head.standardise.scale))
    x = (features[0, :n_observations].double().numpy() - mean) / scale
    last = layer_norm(lstm_layer(layer_norm(lstm_layer(x, head.first)), head.second))[-1]
    expected = head.output.weight.detach().double().numpy() @ last
    expected = expected + head.output.bias.detach().double().numpy()
    with torch.no_grad():
        got = head(features, torch.tensor([n_observations]))
    np.testing.assert_allclose(got[0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rubbish", [1e6, float("nan"), float("inf")])
def test__lstm_head__rubbish_in_padding__changes_neither_outputs_nor_gradients(
    rubbish: float,
) -> None:
    head = headed_network("lstm").head
    clean = torch.randn(6, 12, 8, generator=torch.Generator().manual_seed(1))
    padding = torch.arange(12) >= LENGTHS[:, None]
    found = []
    for fill in (0.0, rubbish):
        features = clean.masked_fill(padding[:, :, None], fill).requires_grad_()
        head.zero_grad()
        output = head(features, LENGTHS)
        output.square().sum().backward()
        gradients = [parameter.grad for parameter in head.parameters()]
        found.append([output, features.grad, *gradients])
    assert all(bool(value.isfinite().all()) for value in found[1])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
    assert not found[1][1][padding].any()


@pytest.mark.parametrize("layer", ["first", "second"])
def test__lstm_head__start_weights__remember(layer: str) -> None:
    torch.manual_seed(0)
    lstm = getattr(LSTMHead(8, 3), layer)
    bias = lstm.bias_ih_l0.detach()
    enter, forget, candidate, leave = bias.chunk(4)
    assert (forget == 1).all()
    for other in (enter, candidate, leave, lstm.bias_hh_l0):
        assert not other.any()
    bound = math.sqrt(6 / sum(lstm.weight_ih_l0.shape))
    assert 0.95 * bound < lstm.weight_ih_l0.abs().max() <= bound
    square = lstm.weight_hh_l0.T @ lstm.weight_hh_l0
    torch.testing.assert_close(square.detach(), torch.eye(256), atol=1e-5, rtol=0)


def test__lstm_head__in_training__drops_three_tenths_behind_each_norm() -> None:
    head = LSTMHead(8, 3).train()
    seen: list[tuple[str, Any, Tensor]] = []

    def remember(name: str) -> Any:
        return lambda _, inputs, output: seen.append((name, inputs[0], output))

    for name in ("first_norm", "second_norm", "dropout", "output"):
        head.get_submodule(name).register_forward_hook(remember(name))
    head(torch.randn(400, 3, 8), torch.full((400,), 3))
    names = [name for name, _, _ in seen]
    assert names == ["first_norm", "dropout", "second_norm", "dropout", "output"]
    for norm, drop in ((seen[0], seen[1]), (seen[2], seen[3])):
        assert drop[1] is norm[2]
        share = float((drop[2] == 0).float().mean())
        # Five standard deviations of the share of 100,000 numbers.
        assert share == pytest.approx(0.3, abs=5 * math.sqrt(0.21 / 1e5))
    assert seen[4][1] is seen[3][2]


def test__lstm_head__bfloat16_without_avx_512__runs_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    head = headed_network("lstm").head
    features = torch.randn(6, 12, 8, generator=torch.Generator().manual_seed(1))
    states: list[Tensor] = []
    assert isinstance(head, LSTMHead)
    head.first_norm.register_forward_pre_hook(lambda _, inputs: states.append(inputs[0]))
    with torch.no_grad():
        expected = head(features, LENGTHS)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            got = head(features.bfloat16(), LENGTHS)
    # Only what is read is rounded, not the products.
    assert states[1].dtype == torch.float32
    torch.testing.assert_close(got.float(), expected, atol=0.05, rtol=0)


# ---- standardising ----


def test__standardise__set__gives_mean_zero_and_variance_one() -> None:
    x = torch.randn(1000, 2, 3, generator=torch.Generator().manual_seed(0)) * 5 + 7
    standardise = Standardise((2, 3))
    assert torch.equal(standardise(x), x)
    standardise.set(x.double().mean(0), x.double().var(0, unbiased=False))
    y = standardise(x)
    torch.testing.assert_close(y.mean(0), torch.zeros(2, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.std(0, unbiased=False), torch.ones(2, 3), atol=1e-5, rtol=0)


def test__standardise__component_that_does_not_vary__is_shifted_alone() -> None:
    mean = torch.tensor([3.0, -10.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    # Exactly constant; up to rounding; zero; varying, though little; less than zero by rounding.
    variance = torch.tensor([0.0, 1e-9, 0.0, 1e-6, -1e-17], dtype=torch.float64)
    standardise = Standardise((5,), floor=0.0)
    standardise.set(mean, variance)
    assert standardise.scale.tolist() == pytest.approx([1, 1, 1, 1e-3, 1])
    shifted = standardise(mean.float() + 1e-3)
    torch.testing.assert_close(shifted, torch.tensor([1e-3] * 3 + [1, 1e-3]), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("floor", [0.0, 0.01])
@pytest.mark.parametrize("rounding", [0.0, 1e-17, -1e-17])
def test__standardise__nothing_varies__divides_by_one(floor: float, rounding: float) -> None:
    standardise = Standardise((2, 3), floor)
    variance = torch.full((2, 3), rounding, dtype=torch.float64)
    standardise.set(torch.ones(2, 3, dtype=torch.float64), variance)
    assert torch.equal(standardise.scale, torch.ones(2, 3))


def test__standardise__floor__is_a_share_of_the_root_mean_square_of_each_row() -> None:
    standardise = Standardise((2, 3))
    spread = torch.tensor([[1.0, 0.5, 1e-6], [100.0, 1.0, 0.0]], dtype=torch.float64)
    standardise.set(torch.full((2, 3), 0.1, dtype=torch.float64), spread.square())
    floors = 0.01 * np.sqrt((spread.numpy() ** 2).mean(1))
    expected = np.array([[1, 0.5, floors[0]], [100, 1, floors[1]]])
    np.testing.assert_allclose(standardise.scale, expected, rtol=1e-6)


@pytest.mark.parametrize("name", HEAD_NAMES)
def test__make_head__any__has_a_floor(name: str) -> None:
    # Embeddings have components that are nearly constant.
    assert make_head(name, NetworkConfig(), 2).standardise.floor == 0.01


def test__standardise__saved__comes_back_with_the_weights() -> None:
    one, other = headed_network("lstm"), headed_network("lstm")
    other.head.standardise.set(torch.zeros(8), torch.ones(8))
    other.load_state_dict(one.state_dict())
    assert torch.equal(other.head.standardise.mean, one.head.standardise.mean)
    assert torch.equal(other.head.standardise.scale, one.head.standardise.scale)
