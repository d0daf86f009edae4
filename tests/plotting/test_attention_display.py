"""Which observations look at which, and of which window that is."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from example_curves import random_curves, random_embedder
from matplotlib.colors import to_rgba

from sklearn_astromer.network.attention_maps import attention_maps
from sklearn_astromer.plotting import AttentionDisplay

LENGTH = 50


def curve() -> np.ndarray:
    return random_curves([LENGTH])[0]


def expected_weights(curve: np.ndarray, **network: Any) -> list[np.ndarray]:
    """Weights of one full window, from the network itself."""
    zero_mean = torch.from_numpy(curve - curve.mean(axis=0))
    maps = attention_maps(
        random_embedder(network).network_.encoder,
        time=zero_mean[None, :, 0],
        magnitude=zero_mean[None, :, 1].float(),
    )
    return [of_block[0].numpy() for of_block in maps]


@pytest.mark.parametrize("window", [0, 1, -2])
def test__from_estimator__full_window__has_the_weights_of_the_network(window: int) -> None:
    display = AttentionDisplay.from_estimator(random_embedder(), [curve()], window=window)
    start = 20 * (window % 3)
    part = curve()[start : start + 20]
    np.testing.assert_allclose(display.weights, expected_weights(part), atol=1e-5)
    np.testing.assert_allclose(np.column_stack([display.time, display.magnitude]), part, rtol=1e-6)


def test__from_estimator__network_that_departs_from_the_paper__is_drawn() -> None:
    network = {"residual": True, "standardised": True, "with_errors": True}
    with_error = np.column_stack([curve(), np.full(LENGTH, 0.1)])
    display = AttentionDisplay.from_estimator(random_embedder(network), with_error)
    np.testing.assert_allclose(display.weights.sum(axis=-1), 1, atol=1e-5)


def test__from_estimator__last_window__says_which_it_is() -> None:
    display = AttentionDisplay.from_estimator(random_embedder(), [curve()], window=-1)
    assert display.weights.shape == (2, 2, 10, 10)
    title = display.figure_.get_suptitle()
    assert title == "block 2 of 2, window 3 of 3\n(observations 41 to 50 of 50)"


def test__from_estimator__unsorted_with_gaps__is_in_order_of_time() -> None:
    gappy = curve()[::-1].copy()
    gappy[5, 1] = np.nan
    display = AttentionDisplay.from_estimator(random_embedder(), gappy)
    assert (np.diff(display.time) > 0).all()
    assert "1 to 20 of 49" in display.figure_.get_suptitle()


def test__plot__map__shows_weights_over_an_even_look() -> None:
    display = AttentionDisplay.from_estimator(random_embedder(), curve(), block=0)
    for head, image in enumerate(display.artists_):
        expected = np.clip(20 * display.weights[0, head], 0.1, None)
        np.testing.assert_allclose(image.get_array(), expected, rtol=1e-6)
        # The first observation is at the top left, and numbered 1.
        assert image.get_extent() == [0.5, 20.5, 20.5, 0.5]
    assert [ax.get_title() for ax in display.axes_] == ["head 1", "head 2"]
    assert display.figure_.get_supxlabel() == "observation looked at"
    assert display.figure_.get_supylabel() == "observation that looks"
    assert display.colorbar_.ax.get_xlabel() == "attention / even attention"


def test__plot__light_curve__shows_how_much_each_is_looked_at() -> None:
    display = AttentionDisplay.from_estimator(random_embedder(), curve(), kind="light_curve")
    for head, drawn in enumerate(display.artists_):
        # Drawn in order of weight: the largest on top.
        shown = drawn.get_array()
        assert (np.diff(shown) >= 0).all()
        received = 20 * display.weights[-1, head].mean(axis=0)
        order = np.argsort(received, kind="stable")
        np.testing.assert_allclose(shown, np.clip(received[order], 0.1, None), rtol=1e-6)
        np.testing.assert_allclose(drawn.get_offsets()[:, 0], display.time[order])
        assert display.axes_[head].yaxis_inverted()
    assert display.figure_.get_supxlabel() == "time (days)"
    assert display.figure_.get_supylabel() == "magnitude (mag)"


def test__plot__one_observation__shows_its_look_and_marks_it() -> None:
    display = AttentionDisplay.from_estimator(
        random_embedder(), curve(), kind="light_curve", observation=7, head=1
    )
    (drawn,) = display.artists_
    expected = np.sort(20 * display.weights[-1, 1, 7])
    np.testing.assert_allclose(drawn.get_array(), np.clip(expected, 0.1, None), rtol=1e-6)
    (cross,) = display.axes_[0].lines
    np.testing.assert_allclose(cross.get_xydata(), curve()[7:8], rtol=1e-6)


def test__plot__given_axes__are_named_each() -> None:
    pair = plt.subplots(1, 2, layout="constrained")[1]
    display = AttentionDisplay.from_estimator(random_embedder(), curve(), ax=pair, cmap="magma")
    assert list(display.axes_) == list(pair)
    assert pair[1].get_title() == "block 2 of 2, window 1 of 3\nhead 2"
    assert pair[0].get_xlabel() == "observation looked at"
    assert display.artists_[0].get_cmap().name == "magma"


def test__plot__additive_attention__says_how_much_goes_to_padding() -> None:
    embedder = random_embedder({"attention": "additive"})
    display = AttentionDisplay.from_estimator(embedder, curve()[:5])
    assert display.weights.shape == (2, 2, 5, 5)
    on_padding = 1 - display.weights[1].sum(axis=-1).mean(axis=-1)
    assert (on_padding > 0.005).all()
    titles = [f"head {n + 1}\n{100 * on_padding[n]:.0f} % on padding" for n in range(2)]
    assert [ax.get_title() for ax in display.axes_] == titles


def test__plot__even_attention__is_neither_dark_nor_light() -> None:
    even = np.full((1, 1, 4, 4), 0.25)
    display = AttentionDisplay(np.arange(4.0), np.zeros(4), even).plot(kind="light_curve")
    (drawn,) = display.artists_
    display.figure_.canvas.draw()
    assert drawn.norm(1.0) == pytest.approx(0.5)
    assert not np.allclose(drawn.get_facecolors()[0], to_rgba("white"), atol=0.1)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"window": 3}, "light curve 0: window=3, but it has only 3 window"),
        ({"block": 2}, "block=2, but there are only 2"),
        ({"head": -3}, "head=-3, but there are only 2"),
        ({"kind": "light_curve", "observation": 20}, "observation=20, but there are only 20"),
        ({"observation": 0}, 'observation is only for kind="light_curve"'),
        ({"kind": "histogram"}, "kind must be one of"),
        ({"ax": [None]}, "ax has 1 axes for 2 panels"),
        ({"index": 1}, "index=1, but there are only 1"),
    ],
)
def test__from_estimator__wrong_parameter__raises(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AttentionDisplay.from_estimator(random_embedder(), [curve()], **params)
