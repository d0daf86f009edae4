"""The embedder on real light curves of ASAS, from end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import torch
from example_curves import small_embedder
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import AstromerEmbedder, LightCurves, weights

Curve = np.ndarray
CLASSES = ("MIRA", "RRAB", "EC")


@pytest.fixture(scope="module")
def curves(asas_file: Path) -> LightCurves:
    return LightCurves.read_parquet(asas_file)


@pytest.fixture(scope="module")
def labels(asas_file: Path) -> np.ndarray:
    table = pyarrow.parquet.read_table(asas_file, columns=["label"])
    return table["label"].to_numpy(zero_copy_only=False).astype(str)


@pytest.fixture(scope="module")
def few(curves: LightCurves) -> list[Curve]:
    """Sixty stars; magnitudes on a grid of 1/1024, on which sums are exact."""
    chosen = [curve[:, :2] for curve in curves[::128]]
    return [np.column_stack([curve[:, 0], np.round(curve[:, 1] * 1024) / 1024]) for curve in chosen]


@pytest.fixture(scope="module")
def fitted(few: list[Curve]) -> AstromerEmbedder:
    return small_embedder(embedding_size=16, n_blocks=2, max_epochs=3).fit(few)


def test__sequence__every_curve_of_asas__one_row_per_observation(curves: LightCurves) -> None:
    embedder = small_embedder(embedding_size=2, n_heads=1, finetune=True)
    embedder.fit(curves[:20]).set_params(output="sequence")
    rows = embedder.transform(curves)
    assert len(rows) == len(curves) == 7648
    np.testing.assert_array_equal([len(part) for part in rows], curves.lengths)
    assert all(part.shape[1] == 2 for part in rows)
    assert not np.isnan(np.concatenate(rows)).any()
    for i in range(0, len(curves), 777):
        (alone,) = embedder.transform([curves[i]])
        np.testing.assert_allclose(rows[i], alone, rtol=0, atol=2e-5)


@pytest.mark.parametrize("attention", ["exclude", "additive"])
def test__hidden__changed_after_fit__changes_nothing_anywhere(
    attention: str, fitted: AstromerEmbedder, few: list[Curve]
) -> None:
    embedder = clone(fitted).set_params(attention=attention).fit(few)
    random = np.random.RandomState(0)
    hidden, changed = [], []
    for curve in few:
        marker = np.zeros(len(curve), dtype=bool)
        other = curve.copy()
        for first in range(0, len(curve), 200):
            n = min(200, len(curve) - first)
            if n < 3:
                continue
            chosen = first + random.permutation(n)[: n // 2 + 1]
            marker[chosen] = True
            # Two hidden ones move against each other, so that the window's mean stays.
            other[chosen[0], 1] += 0.75
            other[chosen[1], 1] -= 0.75
        hidden.append(marker)
        changed.append(other)
    before = embedder.reconstruct(few, hidden=hidden)
    after = embedder.reconstruct(changed, hidden=hidden)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new, old)
    # And if they are not hidden, they do matter.
    seen = zip(embedder.reconstruct(few), embedder.reconstruct(changed), strict=True)
    assert all(not np.array_equal(old, new) for old, new in seen)


def test__hidden__changed_after_fit__changes_no_embedding(
    fitted: AstromerEmbedder, few: list[Curve]
) -> None:
    window = few[0][:150] - few[0][:150].mean(0)
    time, magnitude = torch.from_numpy(window[None, :, 0]), torch.from_numpy(window[None, :, 1])
    hidden = torch.rand(1, 150, generator=torch.Generator().manual_seed(0)) < 0.5
    other = torch.where(hidden, magnitude + 3, magnitude)
    encoder = fitted.network_.encoder
    with torch.no_grad():
        before = encoder(time, magnitude.float(), hidden=hidden)
        assert torch.equal(encoder(time, other.float(), hidden=hidden), before)
        assert not torch.equal(encoder(time, other.float()), encoder(time, magnitude.float()))


def test__fit__what_the_network_gets__never_holds_a_hidden_magnitude(
    few: list[Curve], monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = small_embedder(validation_fraction=None, max_epochs=1)
    embedder.fit(few)
    expected = embedder.transform(few)
    # Magnitudes that are to be hidden are spoiled on their way in: training must not notice.
    forward = type(embedder.network_.encoder).forward
    n_hidden = []

    def spoiled(
        self: Any, time: Any, magnitude: Any, hidden: Any = None, *rest: Any, **others: Any
    ) -> Any:
        if hidden is not None:
            n_hidden.append(hidden.double().mean().item())
            magnitude = torch.where(hidden, torch.full_like(magnitude, 99.0), magnitude)
        return forward(self, time, magnitude, hidden, *rest, **others)

    monkeypatch.setattr(type(embedder.network_.encoder), "forward", spoiled)
    embedder.fit(few)
    monkeypatch.undo()
    assert 0.25 < np.mean(n_hidden) < 0.32
    np.testing.assert_array_equal(embedder.transform(few), expected)


@pytest.mark.parametrize(
    ("name", "attention"), [("macho-official", "exclude"), ("atlas-official", "additive")]
)
def test__pretrained__official_names__work_with_their_better_convention(
    name: str, attention: str, few: list[Curve], official_weights_home: Path
) -> None:
    embedder = AstromerEmbedder.pretrained(name)
    assert embedder.transform(few[:4]).shape == (4, 256)
    (predicted,) = embedder.reconstruct(few[:1])
    assert np.isfinite(predicted).all()
    config = embedder.set_params(finetune=False).fit(few[:2]).network_.config
    assert (config.attention, config.time_base) == (attention, 10000)


@pytest.mark.usefixtures("official_weights_home")
def test__fit__few_steps_from_official_weights__is_better_at_hidden_magnitudes(
    few: list[Curve],
) -> None:
    short = [curve[:60] for curve in few]
    embedder = AstromerEmbedder.pretrained("macho-official", max_epochs=2, random_state=0)
    before = embedder.score(short, relative=True)
    assert -1.3 < before < -0.9
    assert embedder.fit(short).score(short, relative=True) > before


@pytest.mark.usefixtures("official_weights_home")
def test__pipeline__three_hundred_curves__search_and_cross_validation_in_two_processes(
    curves: LightCurves, labels: np.ndarray, tmp_path: Path
) -> None:
    chosen = np.concatenate([np.flatnonzero(labels == name)[:100] for name in CLASSES])
    X = [curve[:60] for curve in curves[chosen]]
    y = labels[chosen]
    # A file, since processes that were started earlier know nothing of this test's cache folder.
    path = tmp_path / "macho.safetensors"
    weights.write_checkpoint(path, weights.load("macho-official"))
    pipe = Pipeline(
        [
            ("emb", AstromerEmbedder(path, finetune=False)),
            ("scale", StandardScaler()),
            ("clf", LogisticRegression(max_iter=5000)),
        ]
    )
    assert clone(pipe).get_params()["emb__weights"] == path
    scores = cross_val_score(pipe, X, y, cv=2, scoring="f1_macro", n_jobs=2)
    assert (scores > 0.5).all()
    grid = {"emb__output": ["mean", "max"], "clf__C": [0.1]}
    search = GridSearchCV(pipe, grid, cv=2, scoring="f1_macro", n_jobs=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    first, second = search.cv_results_["mean_test_score"]
    assert first != second
    held = as_one(X)
    np.testing.assert_array_equal(search.predict(held), search.predict(X))


def as_one(curves: list[Curve]) -> LightCurves:
    offsets = np.concatenate(([0], np.cumsum([len(curve) for curve in curves])))
    flat = np.concatenate(curves)
    return LightCurves(flat[:, 0], flat[:, 1], offsets=offsets)
