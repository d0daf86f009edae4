"""The paper's experiment, with few stars: what it fits on, what it writes, and that it goes on."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import AstromerClassifier, AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.evaluation import FewShotSplit
from sklearn_astromer.light_curves import as_light_curves

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pd = pytest.importorskip("pandas")
pytest.importorskip("matplotlib")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TINY = [
    *("--name", "tiny", "--classes", "RRab", "Mira", "--per-class", "3", "4"),
    *("--test-per-class", "4", "--splits", "1", "--finetune-epochs", "1"),
    *("--finetune-epochs-all", "1", "--epochs", "2", "--encoder-epochs", "1"),
    *("--validation-fraction", "0.25"),
]
MODELS = ["--models", "logistic", "mlp", "statistics", "lstm-baseline"]


@pytest.fixture(scope="module")
def examples() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        yield


@pytest.fixture(scope="module")
def script(examples: None) -> ModuleType:
    return importlib.import_module("reproduce_paper")


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a parquet file of stars with ids; one class is not asked for."""
    classes = ["RRab", "Mira", "Cepheid"]
    curves, label = make_variable_stars(10, classes=classes, cadence="atlas", random_state=0)
    columns = {
        "id": [f"star-{number}" for number in range(len(label))],
        "label": label.tolist(),
        "time": [curve[:40, 0] for curve in curves],
        "mag": [curve[:40, 1] for curve in curves],
        "err": [curve[:40, 2] for curve in curves],
    }
    file = tmp_path_factory.mktemp("survey") / "stars.parquet"
    pq.write_table(pa.table(columns), file)
    return file


@pytest.fixture(scope="module")
def seen() -> dict[str, list[set[str]]]:
    """Ids of the stars that encoders were fine-tuned on, and that classifiers had to tell."""
    return {"fine-tuned on": [], "tested": []}


@pytest.fixture(scope="module")
def output(
    script: ModuleType,
    survey: Path,
    seen: dict[str, list[set[str]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Do the whole experiment once."""
    fit, predict = AstromerEmbedder.fit, AstromerClassifier.predict

    def watched_fit(self: AstromerEmbedder, X: LightCurves, y: Any = None) -> AstromerEmbedder:
        seen["fine-tuned on"].append({str(star) for star in X.ids})
        return fit(self, X, y)

    def watched_predict(self: AstromerClassifier, X: LightCurves) -> Any:
        seen["tested"].append({str(star) for star in X.ids})
        return predict(self, X)

    folder = tmp_path_factory.mktemp("paper")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AstromerEmbedder, "fit", watched_fit)
        patch.setattr(AstromerClassifier, "predict", watched_predict)
        script.main([*TINY, *MODELS, "--data", str(survey), "--output", str(folder)])
    return folder


def stars_of(survey: Path) -> tuple[LightCurves, np.ndarray]:
    label = np.array(pq.read_table(survey)["label"].to_pylist())
    chosen = np.isin(label, ["RRab", "Mira"])
    return LightCurves.read_parquet(survey, id="id")[chosen], label[chosen]


def test__main__all_scenarios__a_row_per_fit_tables_and_figures(output: Path) -> None:
    rows = pd.read_csv(output / "tiny.csv", dtype={"scenario": str})
    counts = rows.groupby(["scenario", "model"]).size().to_dict()
    assert counts == {
        ("baseline", "statistics"): 2,
        ("baseline", "lstm-baseline"): 2,
        ("0", "embedder"): 1,
        ("0", "logistic"): 2,
        ("0", "mlp"): 2,
        ("a", "embedder"): 2,
        ("a", "logistic"): 2,
        ("a", "mlp"): 2,
        ("b", "mlp"): 2,
        ("c", "embedder"): 1,
        ("c", "mlp"): 2,
    }
    encoders = rows[rows.model == "embedder"]
    assert encoders.rmse.gt(0).all()
    assert encoders.f1.isna().all()
    classifiers = rows[rows.model != "embedder"]
    assert classifiers.f1.between(0, 1).all()
    assert classifiers.fit_seconds.gt(0).all()
    # Two of the head; and one of head and encoder, if that is trained too.
    epochs = rows[rows.model == "mlp"].groupby("scenario").epochs.max().to_dict()
    assert epochs == {"0": 2, "a": 2, "b": 3, "c": 3}
    page = (output / "tiny.md").read_text(encoding="utf-8")
    assert "20 of 20 fits are done" in page
    # Scenario and model, and a score for each number of labels.
    assert re.search(r"\| c \| MLP\+ATT \| 0\.\d+ \| 0\.\d+ \|", page)
    for kind in ("f1", "rmse", "learning"):
        assert (output / f"tiny_{kind}.png").read_bytes().startswith(b"\x89PNG")


def test__main__logistic_regression__has_the_f1_of_the_same_stars(
    output: Path, survey: Path
) -> None:
    curves, label = stars_of(survey)
    train, test = next(
        FewShotSplit(4, test_per_class=4, n_splits=1, random_state=0).split(None, label)
    )
    embedding = AstromerEmbedder.pretrained("macho").transform(curves)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    predicted = model.fit(embedding[train], label[train]).predict(embedding[test])
    rows = pd.read_csv(output / "tiny.csv", dtype={"scenario": str})
    chosen = rows[(rows.scenario == "0") & (rows.model == "logistic") & (rows.n == 4)]
    assert chosen.f1.item() == pytest.approx(f1_score(label[test], predicted, average="macro"))


def test__main__fine_tuning__never_sees_a_test_star(
    output: Path, survey: Path, seen: dict[str, list[set[str]]]
) -> None:
    everything = {str(star) for star in stars_of(survey)[0].ids}
    tested = seen["tested"][0]
    assert len(tested) == 8
    # One split: the test stars are the same for all scenarios and numbers of labels.
    assert all(stars == tested for stars in seen["tested"])
    # (a) with 3 and 4 stars of two classes, shared by the heads of (a) and (b); and (c).
    assert [len(stars) for stars in seen["fine-tuned on"]] == [6, 8, 12]
    assert all(stars.isdisjoint(tested) for stars in seen["fine-tuned on"])
    assert seen["fine-tuned on"][2] == everything - tested


def test__main__once_more__does_only_what_is_missing(
    output: Path,
    script: ModuleType,
    survey: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done: list[str] = []
    do_fit = script.do_fit

    def counted(fit: Any, *stars: Any) -> float:
        done.append(str(fit))
        return do_fit(fit, *stars)

    monkeypatch.setattr(script, "do_fit", counted)
    options = [*TINY, *MODELS, "--data", str(survey), "--output", str(output)]
    table = (output / "tiny.csv").read_text(encoding="utf-8")
    script.main(options)
    assert done == []
    assert "20 fits, 0 of them still to do" in capsys.readouterr().out
    assert (output / "tiny.csv").read_text(encoding="utf-8") == table

    lost = next(
        file
        for file in (output / "cache").glob("*.json")
        if "baseline statistics n=3" in file.read_text(encoding="utf-8")
    )
    lost.unlink()
    script.main([*options, "--report-only"])
    assert done == []
    page = (output / "tiny.md").read_text(encoding="utf-8")
    assert "19 of 20 fits are done" in page
    assert "- (0 of 1 splits)" in page
    script.main(options)
    assert done == ["baseline statistics n=3 split 1"]


def test__main__other_epochs_of_heads__fine_tunes_nothing_anew(
    output: Path,
    script: ModuleType,
    survey: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = ["--epochs", "3", "--report-only", "--data", str(survey), "--output", str(tmp_path)]
    script.main([*TINY, *MODELS, *more, "--cache", str(output / "cache")])
    # The MLP of four scenarios, and the LSTM, with two numbers of labels each.
    assert "20 fits, 10 of them still to do" in capsys.readouterr().out


def test__main__some_splits_only__cells_say_how_many(
    script: ModuleType, survey: Path, tmp_path: Path
) -> None:
    options = [*TINY, "--scenarios", "--models", "statistics", "--data", str(survey)]
    options += ["--output", str(tmp_path)]
    script.main(options)
    script.main([*options, "--splits", "3", "--report-only"])
    page = (tmp_path / "tiny.md").read_text(encoding="utf-8")
    assert page.count(" (1 of 3 splits)") == 3  # F1 of both numbers, and seconds
    assert "±" not in page.partition(" (1 of 3 splits)")[0].rpartition("|")[2]


def test__read_stars__below_percent__keeps_the_stars_whose_ids_say_so(
    script: ModuleType, survey: Path
) -> None:
    options = script.parsed_options([*TINY, "--data", str(survey), "--below-percent", "50"])
    curves, label = script.read_stars(options)
    everything, _ = stars_of(survey)
    expected = [star for star in everything.ids if script.percent_of_id(str(star)) < 50]
    assert 0 < len(expected) < len(everything)
    assert curves.ids.tolist() == expected
    assert set(label) == {"RRab", "Mira"}


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--per-class", "7"], r"only 10 of 'Mira', 10 of 'RRab'"),
        (["--classes", "RRab", "RV Tauri"], r"no stars of the classes \['RV Tauri'\]"),
    ],
)
def test__main__stars_that_are_not_there__says_so(
    script: ModuleType, survey: Path, tmp_path: Path, extra: list[str], message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        script.main([*TINY, *extra, "--data", str(survey), "--output", str(tmp_path)])


def test__parsed_options__quick__changes_defaults_only(script: ModuleType) -> None:
    quick = script.parsed_options(["--quick", "--splits", "4"])
    assert (quick.splits, quick.per_class, quick.name) == (4, [5, 10], "simulated")
    assert script.parsed_options([]).per_class == [20, 50, 100]


def test__hand_crafted_features__sine__has_its_period(examples: None) -> None:
    pytest.importorskip("light_curve")
    features = importlib.import_module("hand_crafted_features").hand_crafted_features
    random = np.random.default_rng(0)
    time = np.sort(random.uniform(0, 500, 200))
    curves = [
        np.stack([time, 15 + np.sin(2 * np.pi * time / period), np.full(200, 0.1)], axis=1)
        for period in (0.37, 11.0)
    ]
    table = features(as_light_curves(curves))
    assert table.shape == (2, 40)
    assert np.isfinite(table).all()
    np.testing.assert_allclose(table[:, 34], [0.37, 11.0], rtol=0.01)
    # Half of the range of the magnitudes, and their standard deviation.
    np.testing.assert_allclose(table[:, 0], [np.ptp(curve[:, 1]) / 2 for curve in curves])
    deviation = [curve[:, 1].std(ddof=1) for curve in curves]
    assert all(np.isclose(row, number).any() for row, number in zip(table, deviation, strict=True))
    curves[1][8, 0] = curves[1][7, 0]
    with pytest.raises(ValueError, match=r"position 1 has .* two at the same time"):
        features(as_light_curves(curves))
    with pytest.raises(ValueError, match="no errors"):
        features(as_light_curves([curve[:, :2] for curve in curves]))
