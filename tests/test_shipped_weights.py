"""The weights inside the package: they load anywhere, and are as good as their model cards say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import AstromerEmbedder, LightCurves, weights
from sklearn_astromer.weights.registry import BUNDLED_FOLDER

# Of seventy stars of a class, those that teach and those that judge.
PARTS = (slice(50, 70), slice(0, 50))
SHIPPED = ("variables", "macho", "atlas", "variables-paper")
ASAS_CLASSES = ("MIRA", "EC", "ED", "RRAB", "ESD", "DSCT", "RRC")


def unseen_asas_stars(folder: Path) -> tuple[LightCurves, NDArray[np.str_]]:
    """Stars that were kept away from training: those whose id has a share below 0.7."""
    path = folder / "data" / "asas.parquet"
    curves = LightCurves.read_parquet(path, id="id")
    label = np.array(pq.read_table(path, columns=["label"]).column(0).to_pylist())
    assert curves.ids is not None
    digests = [hashlib.sha256(str(name).encode()).hexdigest() for name in curves.ids]
    unseen = np.array([int(digest[:8], 16) % 100 < 70 for digest in digests])
    return curves[unseen], label[unseen]


@pytest.mark.parametrize("name", SHIPPED)
def test__pretrained__no_network_and_empty_cache__embeds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKLEARN_ASTROMER_HOME", str(tmp_path))
    curve = np.column_stack([np.arange(50.0), 15 + np.sin(np.arange(50.0) / 20)])
    embedding = AstromerEmbedder.pretrained(name).transform([curve])
    assert embedding.shape == (1, weights.available()[name].embedding_size)
    assert np.isfinite(embedding).all()
    assert not list(tmp_path.iterdir())


def test__pretrained__no_name__is_the_default_that_ships() -> None:
    assert AstromerEmbedder.pretrained().weights == weights.DEFAULT_WEIGHTS
    assert weights.available()[weights.DEFAULT_WEIGHTS].ships


@pytest.mark.parametrize("name", SHIPPED)
def test__model_card__shipped_weights__tells_lineage_licence_and_results(name: str) -> None:
    card = (BUNDLED_FOLDER / f"{name}.md").read_text(encoding="utf-8")
    for word in ("Lineage", "MIT", "670, A54", "RMSE/std", "F1", "asas"):
        assert word in card
    if name in ("macho", "atlas"):
        assert f"{name}-official" in card


@pytest.mark.parametrize("name", SHIPPED)
def test__registry__shipped_weights__agrees_with_the_file(name: str) -> None:
    entry, config = weights.available()[name], weights.load(name).config
    assert (entry.attention, entry.n_blocks, entry.embedding_size) == (
        config.attention,
        config.n_blocks,
        config.embedding_size,
    )


def test__score__variables_on_unseen_asas_stars__hidden_magnitudes_are_predicted(
    shared_folder: Path,
) -> None:
    curves, _ = unseen_asas_stars(shared_folder)
    sample = curves[np.random.default_rng(0).permutation(len(curves))[:300]]
    embedder = AstromerEmbedder.pretrained("variables", random_state=0)
    # 0.39 in the model card; without periods, and so without folding, far more.
    assert -embedder.score(sample, relative=True) < 0.5
    assert -embedder.set_params(period_search=False).score(sample, relative=True) > 0.6


def test__few_shot__variables_on_unseen_asas_stars__beats_features(shared_folder: Path) -> None:
    curves, label = unseen_asas_stars(shared_folder)
    random = np.random.default_rng(0)
    stars = [random.permutation(np.flatnonzero(label == kind))[:70] for kind in ASAS_CLASSES]
    learn, judge = (np.concatenate([part[cut] for part in stars]) for cut in PARTS)
    embedder = AstromerEmbedder.pretrained("variables")
    model = make_pipeline(
        embedder.set_params(finetune=False), StandardScaler(), LogisticRegression(C=0.3)
    )
    predicted = model.fit(curves[learn], label[learn]).predict(curves[judge])
    # The model card has 0.87 for it and 0.76 for features and a random forest, on other splits.
    assert f1_score(label[judge], predicted, average="macro") > 0.8


def test__score__macho_on_unseen_asas_stars__hidden_magnitudes_are_predicted(
    shared_folder: Path,
) -> None:
    curves, _ = unseen_asas_stars(shared_folder)
    sample = curves[np.random.default_rng(0).permutation(len(curves))[:500]]
    embedder = AstromerEmbedder.pretrained("macho", random_state=0)
    assert -embedder.score(sample, relative=True) < 0.92


def test__few_shot__macho_on_unseen_asas_stars__keeps_what_the_weights_know(
    shared_folder: Path,
) -> None:
    curves, label = unseen_asas_stars(shared_folder)
    scores, splits = [], []
    for seed in range(5):
        random = np.random.default_rng(seed)
        stars = [random.permutation(np.flatnonzero(label == kind))[:70] for kind in ASAS_CLASSES]
        splits.append(
            ([s for part in stars for s in part[50:]], [s for part in stars for s in part[:50]])
        )
    needed = np.unique([star for split in splits for part in split for star in part])
    embedding = np.full((len(curves), 256), np.nan, dtype=np.float32)
    embedding[needed] = AstromerEmbedder.pretrained("macho").transform(curves[needed])
    for learn, judge in splits:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
        predicted = model.fit(embedding[learn], label[learn]).predict(embedding[judge])
        scores.append(f1_score(label[judge], predicted, average="macro"))
    # These five splits give 0.652, thirty of examples/few_shot_asas.py 0.648 (the authors' weights
    # 0.655); a continuation that forgets, 0.54. Room is left for other processors' rounding.
    assert np.mean(scores) > 0.63
