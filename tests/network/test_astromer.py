"""The whole network."""

from __future__ import annotations

import ast
import math
import shutil
import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor

import sklearn_astromer.network
from sklearn_astromer.network import AstromerNetwork, AttentionConvention, NetworkConfig

CONVENTIONS: tuple[AttentionConvention, ...] = ("exclude", "additive")
N_POSITIONS = 12


def make_network(
    attention: AttentionConvention = "exclude", dropout: float = 0.0, n_blocks: int = 2
) -> AstromerNetwork:
    torch.manual_seed(3)
    config = NetworkConfig(
        embedding_size=16,
        n_blocks=n_blocks,
        n_heads=2,
        feedforward_size=8,
        window_size=N_POSITIONS,
        dropout=dropout,
        attention=attention,
    )
    network = AstromerNetwork(config).eval()
    # Larger weights than those to start from: with those, everybody looks at everybody alike.
    with torch.no_grad():
        for block in network.encoder.blocks:
            block.attention.query_key_value.weight.mul_(2)
    return network


@pytest.fixture
def windows() -> dict[str, Tensor]:
    """Two windows: the first with two hidden and three padded positions, the second full."""
    generator = torch.Generator().manual_seed(5)
    time = torch.rand(2, N_POSITIONS, generator=generator, dtype=torch.float64).cumsum(1) * 40
    magnitude = torch.randn(2, N_POSITIONS, generator=generator)
    hidden = torch.zeros(2, N_POSITIONS, dtype=torch.bool)
    padding = torch.zeros(2, N_POSITIONS, dtype=torch.bool)
    hidden[0, 2] = hidden[0, 6] = True
    padding[0, 9:] = True
    time, magnitude = time.masked_fill(padding, 0), magnitude.masked_fill(padding, 0)
    return {"time": time, "magnitude": magnitude, "hidden": hidden, "padding": padding}


def both_outputs(network: AstromerNetwork, windows: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        return network.encoder(**windows), network(**windows)


def test__network__paper_configuration__has_the_papers_number_of_parameters() -> None:
    # Each block: four projections, two maps of the feed-forward part, two norms.
    block = 4 * (256 * 256 + 256) + 2 * 256 * 128 + 128 + 256 + 4 * 256
    expected = 2 * 256 + 2 * block + 2 * 256 + 256 + 1
    assert sum(value.numel() for value in AstromerNetwork().parameters()) == expected == 661505


def test__network__output__is_the_decoder_after_the_encoder(windows: dict[str, Tensor]) -> None:
    network = make_network()
    embedding, reconstruction = both_outputs(network, windows)
    assert embedding.shape == (2, N_POSITIONS, 16)
    assert reconstruction.shape == (2, N_POSITIONS)
    with torch.no_grad():
        assert torch.equal(network.decoder(embedding), reconstruction)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test__network__hidden_magnitude_changed__changes_nothing(
    convention: AttentionConvention, windows: dict[str, Tensor]
) -> None:
    network = make_network(convention)
    before = both_outputs(network, windows)
    magnitude = windows["magnitude"].clone()
    magnitude[windows["hidden"]] += 100
    after = both_outputs(network, windows | {"magnitude": magnitude})
    for one, other in zip(before, after, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test__network__visible_magnitude_changed__changes_all_rows_of_its_window(
    convention: AttentionConvention, windows: dict[str, Tensor]
) -> None:
    # With the test above: fails when `hidden` is inverted on its way to the input or the keys.
    network = make_network(convention)
    before, _ = both_outputs(network, windows)
    magnitude = windows["magnitude"].clone()
    magnitude[0, 0] += 1
    after, _ = both_outputs(network, windows | {"magnitude": magnitude})
    changed = (before - after).abs().amax(-1)
    assert (changed[0] > 1e-6).all()
    assert torch.equal(before[1], after[1])


@pytest.mark.parametrize("convention", CONVENTIONS)
def test__network__hidden_time_changed__changes_only_its_own_row(
    convention: AttentionConvention, windows: dict[str, Tensor]
) -> None:
    network = make_network(convention)
    before, _ = both_outputs(network, windows)
    time = windows["time"].clone()
    time[0, 2] += 3.0
    after, _ = both_outputs(network, windows | {"time": time})
    changed = (before - after).abs().amax(-1)[0] > 0
    assert changed.nonzero().flatten().tolist() == [2]


def test__network__padded_values_changed_when_excluded__change_no_observation(
    windows: dict[str, Tensor],
) -> None:
    network = make_network("exclude")
    before, _ = both_outputs(network, windows)
    padding = windows["padding"]
    changed = {
        "time": windows["time"] + 5.0 * padding,
        "magnitude": windows["magnitude"] + 7.0 * padding,
    }
    after, _ = both_outputs(network, windows | changed)
    assert torch.equal(before[~padding], after[~padding])
    assert (before[padding] - after[padding]).abs().amax(-1).min() > 0


def test__network__padded_values_changed_when_additive__change_every_row(
    windows: dict[str, Tensor],
) -> None:
    network = make_network("additive")
    before, _ = both_outputs(network, windows)
    magnitude = windows["magnitude"] + 7.0 * windows["padding"]
    after, _ = both_outputs(network, windows | {"magnitude": magnitude})
    assert (before[0] - after[0]).abs().amax(-1).min() > 1e-6


def test__network__padding_cut_off_when_excluded__leaves_observations_as_they_are(
    windows: dict[str, Tensor],
) -> None:
    network = make_network("exclude")
    padded, _ = both_outputs(network, windows)
    cut, _ = both_outputs(network, {name: value[:1, :9] for name, value in windows.items()})
    torch.testing.assert_close(padded[0, :9], cut[0], atol=1e-5, rtol=0)


def test__network__nothing_hidden_or_padded__conventions_agree(windows: dict[str, Tensor]) -> None:
    nothing = torch.zeros(2, N_POSITIONS, dtype=torch.bool)
    windows = windows | {"hidden": nothing, "padding": nothing}
    excluded, additive = (both_outputs(make_network(name), windows) for name in CONVENTIONS)
    for one, other in zip(excluded, additive, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("n_observations", [1, 5, 9, 11])
def test__network__one_padding_token_with_repeats__equals_all_of_them(
    n_observations: int, windows: dict[str, Tensor]
) -> None:
    network = make_network("additive")
    time = windows["time"][1:].clone()
    magnitude = windows["magnitude"][1:].clone()
    padding = torch.arange(N_POSITIONS)[None] >= n_observations
    time[padding], magnitude[padding] = 0, 0
    n_kept = n_observations + 1
    repeats = torch.full((1, n_kept), N_POSITIONS - n_observations)
    with torch.no_grad():
        full = network.encoder(time, magnitude, padding=padding)
        short = network.encoder(
            time[:, :n_kept], magnitude[:, :n_kept], padding=padding[:, :n_kept], repeats=repeats
        )
        alone = network.encoder(
            time[:, :n_kept], magnitude[:, :n_kept], padding=padding[:, :n_kept]
        )
    torch.testing.assert_close(full[:, :n_kept], short, atol=1e-5, rtol=0)
    if n_observations < 11:
        assert (full[:, :n_kept] - alone).abs().max() > 1e-4


def test__network__start_weights__are_xavier_uniform() -> None:
    torch.manual_seed(0)
    network = AstromerNetwork()
    attention = network.encoder.blocks[1].attention
    matrices = [*attention.query_key_value.weight.chunk(3), attention.output.weight]
    matrices += [network.encoder.blocks[0].feedforward[0].weight, network.decoder.linear.weight]
    for matrix in matrices:
        bound = math.sqrt(6 / sum(matrix.shape))
        assert 0.95 * bound < matrix.abs().max() <= bound
        # A uniform distribution has this standard deviation.
        assert matrix.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15)
    for name, value in network.named_parameters():
        if name.endswith("bias"):
            assert not value.any()
        elif "norm" in name:
            assert (value == 1).all()


def test__network__training_mode__drops_something_and_evaluation_nothing(
    windows: dict[str, Tensor],
) -> None:
    network = make_network(dropout=0.5)
    for one, other in zip(
        both_outputs(network, windows), both_outputs(network, windows), strict=True
    ):
        assert torch.equal(one, other)
    network.train()
    assert not torch.equal(both_outputs(network, windows)[0], both_outputs(network, windows)[0])


def test__network__sources__import_nothing_but_torch_and_themselves() -> None:
    allowed = {"torch", "__future__"} | set(sys.stdlib_module_names)
    folder = Path(sklearn_astromer.network.__file__).parent
    sources = sorted(folder.glob("*.py"))
    assert len(sources) >= 5
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{source.name}: relative import"
                modules = [node.module or ""]
            else:
                continue
            for module in modules:
                inside = module.startswith("sklearn_astromer.network")
                assert inside or module.split(".")[0] in allowed, f"{source.name}: {module}"


@pytest.mark.parametrize("convention", CONVENTIONS)
def test__network__traced_as_one_graph__equals_eager(
    convention: AttentionConvention, windows: dict[str, Tensor]
) -> None:
    network = make_network(convention)
    _, eager = both_outputs(network, windows)
    found = compile_and_run(network, windows, backend="aot_eager")
    torch.testing.assert_close(found, eager, atol=1e-5, rtol=0)


@pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="torch.compile needs a compiler"
)
def test__network__compiled__equals_eager(windows: dict[str, Tensor]) -> None:
    # One block: the C++ compiler needs ten seconds and more for two.
    network = make_network("additive", n_blocks=1)
    _, eager = both_outputs(network, windows)
    found = compile_and_run(network, windows, backend="inductor")
    torch.testing.assert_close(found, eager, atol=1e-5, rtol=0)


def compile_and_run(network: AstromerNetwork, windows: dict[str, Tensor], backend: str) -> Tensor:
    with warnings.catch_warnings():
        # torch's own modules use what torch or Python deprecate.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.")
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"torch\.")
        compiled = torch.compile(network, backend=backend, fullgraph=True, dynamic=False)
        with torch.no_grad():
            return compiled(**windows)


@pytest.mark.gpu
@pytest.mark.parametrize("convention", CONVENTIONS)
def test__network__on_cuda__equals_cpu(
    convention: AttentionConvention, windows: dict[str, Tensor]
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    network = make_network(convention)
    on_cpu = both_outputs(network, windows)
    moved = {name: value.to("cuda") for name, value in windows.items()}
    on_cuda = both_outputs(network.to("cuda"), moved)
    for one, other in zip(on_cpu, on_cuda, strict=True):
        torch.testing.assert_close(one, other.cpu(), atol=1e-4, rtol=0)
