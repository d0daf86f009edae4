"""The examples of the gallery run, draw, and give what their text says."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

mpl = pytest.importorskip("matplotlib")
pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

GALLERY = Path(__file__).resolve().parents[1] / "examples" / "gallery"
SCRIPTS = sorted(GALLERY.glob("plot_*.py"))


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import matplotlib.pyplot as plt

    # With a display, plt.show() would warn that it cannot show anything.
    monkeypatch.delenv("DISPLAY", raising=False)
    with mpl.rc_context():
        mpl.use("agg")
        yield
    plt.close("all")


def _clusters(made: dict[str, Any]) -> bool:
    return made["adjusted_rand_score"](made["y"], made["cluster"]) > 0.5


def _labels(made: dict[str, Any]) -> bool:
    f1 = made["table"].set_index(["estimator", "samples_per_class"])["f1_mean"]
    rivals = max(f1["statistics + forest", 20], f1["macho + logistic", 20])
    ours = f1["variables + logistic"]
    return ours[20] > max(ours[2], rivals)


def _fine_tuned(made: dict[str, Any]) -> bool:
    scores = [embedder.score(made["X_new"]) for embedder in made["embedders"].values()]
    assert len(scores) == 3
    return scores == sorted(scores)


def _odd_stars(made: dict[str, Any]) -> bool:
    return made["is_odd"].sum() == 8 and made["is_odd"][made["order"][:8]].sum() > 4


def _gaps(made: dict[str, Any]) -> bool:
    error = made["relative_error"]
    embedder, macho = made["embedder"], made["AstromerEmbedder"].pretrained("macho")
    hidden = made["at_random"]
    return max(error(embedder, hidden)) < 0.9 and max(error(macho, hidden)) > 0.9


def _features(made: dict[str, Any]) -> bool:
    assert made["features"].shape[1] == len(made["union"].get_feature_names_out())
    f1 = made["few_shot_table"].set_index(["estimator", "samples_per_class"])["f1_mean"]
    return f1["all", 20] > max(f1["statistics", 20], f1["embedding", 20])


def _saved(made: dict[str, Any]) -> bool:
    X = made["X_new"]
    same = np.array_equal(made["loaded"].transform(X), made["tuned"].transform(X))
    return same and (made["predicted"] == made["y_new"]).mean() > 0.8


def _stream(made: dict[str, Any]) -> bool:
    rows = made["embeddings"]["row"].to_pylist()
    return len(made["calls"]) == 3 and rows == list(range(len(made["X"])))


CLAIMS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "plot_01_embed_and_cluster.py": _clusters,
    "plot_02_classify_from_20_labels.py": _labels,
    "plot_03_fine_tune_on_your_survey.py": _fine_tuned,
    "plot_04_find_odd_stars.py": _odd_stars,
    "plot_05_fill_gaps.py": _gaps,
    "plot_06_join_with_features.py": _features,
    "plot_07_save_and_share.py": _saved,
    "plot_08_a_million_curves.py": _stream,
}


def test__gallery__its_scripts__are_those_that_are_tested() -> None:
    assert [script.name for script in SCRIPTS] == list(CLAIMS)
    assert (GALLERY / "GALLERY_HEADER.rst").is_file()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test__example__run_to_its_end__draws_and_keeps_its_promises(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    made = runpy.run_path(str(script))
    assert plt.get_fignums()
    for number in plt.get_fignums():
        for ax in plt.figure(number).axes:
            assert ax.get_xlabel() or ax.get_ylabel() or ax.get_title()
    assert CLAIMS[script.name](made)
    assert not list(tmp_path.iterdir()), "an example leaves files behind"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test__example__its_text__begins_with_a_title_and_has_cells(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    title, underline = text.split('"""')[1].strip().splitlines()[:2]
    assert underline == "=" * len(title)
    assert len(re.findall(r"^# %%$", text, flags=re.MULTILINE)) >= 3
