"""A light curve's embedding is its own: batch, order, padding, zero points play no part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from example_curves import random_network
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sklearn_astromer import AstromerEmbedder, LightCurves, weights

# The bounds that the project promises; embeddings are of the order of one.
SAME = 2e-5
SHIFTED = 1e-4

Curves = list[np.ndarray]
Embedded = tuple[np.ndarray, Curves]
FEW = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def light_curves(draw: st.DrawFn) -> Curves:
    """A few curves of 1 to 260 observations; distinct times, all exact in float32."""
    random = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    lengths = draw(
        st.lists(
            st.one_of(st.integers(1, 8), st.integers(1, 260), st.sampled_from([63, 64, 200])),
            min_size=2,
            max_size=6,
        )
    )
    curves = []
    for length in lengths:
        time = (random.randint(0, 2**14) + np.cumsum(random.randint(1, 1000, length))) / 64
        magnitude = 14 + random.gamma(1, 0.5) * np.sin(time / random.uniform(0.1, 100))
        magnitude += 0.05 * random.randn(length)
        curves.append(np.column_stack([time, np.round(magnitude * 1024) / 1024]))
    return curves


@pytest.fixture(
    scope="module",
    params=["random exclude", "random additive", "official exclude", "official additive"],
)
def embedder(request: pytest.FixtureRequest) -> AstromerEmbedder:
    """Small random networks, and the authors' own, whose weights amplify what is rounded."""
    kind, attention = request.param.split()
    embedder = AstromerEmbedder()
    if kind == "random":
        embedder.network_ = random_network(window_size=200, attention=attention)
    else:
        request.getfixturevalue("official_weights_home")
        checkpoint = weights.load("macho-official")
        config = replace(checkpoint.config, attention=attention)
        embedder.network_ = replace(checkpoint, config=config).build()
    return embedder


def embed(embedder: AstromerEmbedder, curves: object, batch_size: int | str = "auto") -> Embedded:
    embedder.set_params(batch_size=batch_size, output="mean")
    mean = embedder.transform(curves)
    rows = embedder.set_params(output="sequence").transform(curves)
    return mean, rows


def assert_close(got: Embedded, expected: Embedded, bound: float) -> None:
    np.testing.assert_allclose(got[0], expected[0], rtol=0, atol=bound)
    assert len(got[1]) == len(expected[1])
    for rows, others in zip(got[1], expected[1], strict=True):
        np.testing.assert_allclose(rows, others, rtol=0, atol=bound)


@FEW
@given(curves=light_curves(), data=st.data())
def test__transform__alone_or_in_any_batch_and_order__is_the_same(
    embedder: AstromerEmbedder, curves: Curves, data: st.DataObject
) -> None:
    together = embed(embedder, curves)
    for i, curve in enumerate(curves[:2]):
        assert_close(embed(embedder, [curve]), (together[0][i : i + 1], [together[1][i]]), SAME)
    assert_close(embed(embedder, curves, data.draw(st.integers(1, 40))), together, SAME)
    order = data.draw(st.permutations(range(len(curves))))
    shuffled = embed(embedder, [curves[i] for i in order])
    assert_close(shuffled, (together[0][order], [together[1][i] for i in order]), SAME)


@FEW
@given(curves=light_curves(), seed=st.integers(0, 2**32 - 1))
def test__transform__observations_in_any_order__rows_go_with_them(
    embedder: AstromerEmbedder, curves: Curves, seed: int
) -> None:
    random = np.random.RandomState(seed)
    orders = [random.permutation(len(curve)) for curve in curves]
    got = embed(embedder, [curve[order] for curve, order in zip(curves, orders, strict=True)])
    mean, rows = embed(embedder, curves)
    moved = [part[order] for part, order in zip(rows, orders, strict=True)]
    assert_close(got, (mean, moved), SAME)


@FEW
@given(curves=light_curves())
def test__transform__any_container_and_precision__is_the_same(
    embedder: AstromerEmbedder, curves: Curves
) -> None:
    expected = embed(embedder, curves)
    padded = np.full((len(curves), max(map(len, curves)) + 3, 2), np.nan)
    for i, curve in enumerate(curves):
        padded[i, : len(curve)] = curve
    assert_close(embed(embedder, padded), expected, SAME)
    assert_close(embed(embedder, padded.astype(np.float32)), expected, SAME)
    assert_close(embed(embedder, [curve.astype(np.float32) for curve in curves]), expected, SAME)
    with_errors = [np.column_stack([curve, np.full(len(curve), 0.1)]) for curve in curves]
    assert_close(embed(embedder, with_errors), expected, SAME)
    flat = np.concatenate(curves)
    offsets = np.concatenate(([0], np.cumsum([len(curve) for curve in curves])))
    held = LightCurves(flat[:, 0], flat[:, 1], offsets=offsets)
    assert_close(embed(embedder, held), expected, SAME)


@FEW
@given(curves=light_curves(), seed=st.integers(0, 2**32 - 1))
def test__transform__nan_observations_inserted__their_rows_are_nan_and_others_the_same(
    embedder: AstromerEmbedder, curves: Curves, seed: int
) -> None:
    random = np.random.RandomState(seed)
    longer, places = [], []
    for curve in curves:
        where = np.sort(random.randint(0, len(curve) + 1, random.randint(1, 5)))
        missing = random.uniform(0, 100, (len(where), 2))
        missing[np.arange(len(where)), random.randint(0, 2, len(where))] = np.nan
        longer.append(np.insert(curve, where, missing, axis=0))
        places.append(where + np.arange(len(where)))
    mean, rows = embed(embedder, longer)
    for part, where in zip(rows, places, strict=True):
        assert np.isnan(part[where]).all()
    kept = [np.delete(part, where, axis=0) for part, where in zip(rows, places, strict=True)]
    assert_close((mean, kept), embed(embedder, curves), SAME)


@FEW
@given(
    curves=light_curves(),
    days=st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6),
    magnitudes=st.integers(-10, 10),
)
def test__transform__times_or_magnitudes_shifted__is_the_same(
    embedder: AstromerEmbedder, curves: Curves, days: float, magnitudes: int
) -> None:
    # Magnitudes are held in float32: a shift that is exact there, so that only zero points change.
    expected = embed(embedder, curves)
    assert_close(embed(embedder, [c + np.array([days, 0]) for c in curves]), expected, SHIFTED)
    moved = [curve + np.array([0, magnitudes]) for curve in curves]
    assert_close(embed(embedder, moved), expected, SHIFTED)


@FEW
@given(curves=light_curves(), magnitudes=st.floats(-10, 10))
def test__transform__magnitudes_shifted_by_any_number__mean_is_the_same(
    embedder: AstromerEmbedder, curves: Curves, magnitudes: float
) -> None:
    # Rounded to float32 after the shift, magnitudes change by 1e-6, and single rows by 1e-3 where
    # weights are as large as those of the official MACHO network; means over many hold.
    long = [curve for curve in curves if len(curve) >= 100]
    if long:
        embedder.set_params(output="mean", batch_size="auto")
        moved = [curve + np.array([0, magnitudes]) for curve in long]
        np.testing.assert_allclose(
            embedder.transform(moved), embedder.transform(long), rtol=0, atol=SHIFTED
        )


def test__transform__equal_times__their_order_plays_no_part() -> None:
    embedder = AstromerEmbedder(output="sequence")
    embedder.network_ = random_network(window_size=5)
    # The fifth and sixth observation share a time, and a window ends between them.
    curve = np.array([[0, 1], [1, 5], [2, 2], [3, 1], [4, 3], [4, 9], [5, 2.0], [6, 4]])
    order = [0, 1, 2, 3, 5, 4, 6, 7]
    (rows,), (moved,) = embedder.transform([curve]), embedder.transform([curve[order]])
    np.testing.assert_array_equal(moved, rows[order])
