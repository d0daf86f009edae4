"""Embeddings in a plane: where the points are, and which class is which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from example_curves import random_curves, random_embedder
from matplotlib.colors import to_hex
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_astromer.plotting import EmbeddingDisplay


def rows(n: int = 12, n_columns: int = 5) -> np.ndarray:
    random = np.random.RandomState(0)
    return random.normal(size=(n, n_columns)) * np.arange(1, n_columns + 1) ** 3


def all_points(display: EmbeddingDisplay) -> np.ndarray:
    return np.concatenate([artist.get_offsets() for artist in display.artists_])


def test__from_predictions__pca__are_the_first_two_components_of_standardised_columns() -> None:
    embedding = rows()
    display = EmbeddingDisplay.from_predictions(embedding)
    scaled = (embedding - embedding.mean(axis=0)) / embedding.std(axis=0)
    left, values, _ = np.linalg.svd(scaled)
    expected = left[:, :2] * values[:2]
    # Up to the sign of each component.
    np.testing.assert_allclose(np.abs(all_points(display)), np.abs(expected), rtol=1e-6)
    share = 100 * values**2 / (values**2).sum()
    assert display.ax_.get_xlabel() == f"PCA 1 ({share[0]:.0f} % of variance)"
    assert display.ax_.get_ylabel() == f"PCA 2 ({share[1]:.0f} % of variance)"


def test__from_predictions__no_classes__has_one_colour_and_no_legend() -> None:
    display = EmbeddingDisplay.from_predictions(rows())
    assert len(display.artists_) == 1
    assert display.classes_ is None
    assert display.legend_ is None
    assert display.ax_.get_legend() is None


@pytest.mark.parametrize("n_classes", [1, 2, 30, 56])
def test__plot__classes__differ_in_look_and_are_in_the_legend(n_classes: int) -> None:
    y = np.array([f"class {code:02d}" for code in np.arange(120) % n_classes])
    points = np.random.RandomState(0).normal(size=(120, 2))
    display = EmbeddingDisplay(points, y).plot()
    assert display.classes_ == sorted(set(y.tolist()))
    assert [text.get_text() for text in display.legend_.get_texts()] == display.classes_
    looks = set()
    for kind, artist in zip(display.classes_, display.artists_, strict=True):
        np.testing.assert_array_equal(artist.get_offsets(), points[y == kind])
        shape = artist.get_paths()[0].vertices.tobytes()
        looks.add((to_hex(artist.get_facecolor()[0]), shape))
    assert len(looks) == n_classes


def test__plot__rare_class__lies_above_the_frequent_one() -> None:
    y = ["frequent"] * 9 + ["rare"] * 3
    frequent, rare = EmbeddingDisplay.from_predictions(rows(), y).artists_
    assert rare.get_zorder() > frequent.get_zorder()


def test__from_predictions__numbers_as_classes__are_sorted_as_numbers() -> None:
    display = EmbeddingDisplay.from_predictions(rows(), [10, 9, 2] * 4)
    assert [text.get_text() for text in display.legend_.get_texts()] == ["2", "9", "10"]


@pytest.mark.parametrize("n", [3, 5, 40])
def test__from_predictions__tsne_of_few__works_and_repeats(n: int) -> None:
    first, second = (
        EmbeddingDisplay.from_predictions(rows(n), method="tsne", random_state=1) for _ in range(2)
    )
    assert all_points(first).shape == (n, 2)
    assert np.isfinite(all_points(first)).all()
    np.testing.assert_array_equal(all_points(first), all_points(second))
    assert first.ax_.get_xlabel() == "t-SNE 1 (arbitrary unit)"
    # The numbers mean nothing.
    assert not any(label.get_visible() for label in first.ax_.get_xticklabels())


def test__from_predictions__tsne_of_two_groups__keeps_them_apart() -> None:
    embedding = rows(40)
    embedding[20:] += 1000
    points = all_points(EmbeddingDisplay.from_predictions(embedding, method="tsne"))
    centres = points[:20].mean(axis=0), points[20:].mean(axis=0)
    size = np.linalg.norm(points[:20] - centres[0], axis=1).max()
    assert np.linalg.norm(centres[0] - centres[1]) > 2 * size


def test__from_estimator__embedder__is_used_as_it_is_and_inside_of_a_pipeline() -> None:
    embedder, X = random_embedder(), random_curves([9, 12, 20, 25])
    direct = EmbeddingDisplay.from_estimator(embedder, X, ["a", "b", "a", "b"])
    expected = EmbeddingDisplay.from_predictions(embedder.transform(X), ["a", "b", "a", "b"])
    np.testing.assert_array_equal(all_points(direct), all_points(expected))
    pipeline = make_pipeline(embedder, LogisticRegression())
    inside = EmbeddingDisplay.from_estimator(pipeline, X, ["a", "b", "a", "b"])
    np.testing.assert_array_equal(all_points(inside), all_points(expected))


def test__from_estimator__rows_per_observation__says_what_to_do() -> None:
    embedder = random_embedder(output="sequence")
    with pytest.raises(ValueError, match='output="mean"'):
        EmbeddingDisplay.from_estimator(embedder, random_curves([9, 12, 20]))


def broken(row: int, value: float) -> np.ndarray:
    embedding = rows()
    embedding[row, 1] = value
    return embedding


@pytest.mark.parametrize(
    ("embedding", "params", "message"),
    [
        (rows(1), {}, r"1 light curve\(s\) cannot be laid out in a plane; give at least 3"),
        (rows(2), {}, r"2 light curve\(s\) cannot"),
        (rows(2), {"method": "tsne"}, r"2 light curve\(s\) cannot"),
        (rows(5, 1), {}, "two columns or more"),
        (rows()[0], {}, "two columns or more"),
        (broken(7, np.nan), {}, "light curve 7: its embedding is not finite"),
        (np.ones((5, 3)), {}, "All embeddings are equal"),
        (rows(), {"method": "umap"}, "method must be one of"),
        (rows(), {"method": "tsne", "perplexity": 12}, "perplexity=12 must be less than .* 12"),
        (rows(), {"method": "tsne", "perplexity": 0}, "perplexity must be a positive number"),
        (rows(), {"perplexity": 5}, 'perplexity is only for method="tsne"'),
        (rows(), {"y": ["a"] * 11}, "inconsistent numbers of samples"),
        (rows(), {"y": ["a"] * 11 + [None]}, "1 of 12 stars have no label.* position 11"),
        (rows(60), {"y": np.arange(60)}, "60 classes cannot be told apart"),
    ],
)
def test__from_predictions__what_cannot_be_drawn__raises(
    embedding: np.ndarray, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        EmbeddingDisplay.from_predictions(embedding, **params)
