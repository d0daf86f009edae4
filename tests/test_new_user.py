"""What trips somebody who tries the package for the first time gets a word of help."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_curves import random_curves, random_embedder
from sklearn.exceptions import NotFittedError

from sklearn_astromer import AstromerEmbedder, LightCurves, as_light_curves
from sklearn_astromer.datasets import read_text
from sklearn_astromer.errors import LightCurveWarning

CURVE = np.column_stack([random_curves([30])[0], np.full(30, 0.02)])
HEADERS = {
    "usual names": ("mjd,mag,magerr", (0, 1, 2)),
    "another order, and more": ("name,Magnitude,e_mag,HJD", (3, 1, 2)),
    "blanks": ("hjd mag err", (0, 1, 2)),
}


def star_file(folder: Path, header: str, order: tuple[int, ...]) -> Path:
    """Write a table of one star; columns without a role hold 7."""
    sign = "," if "," in header else " "
    table = np.full((len(CURVE), max(order) + 1), 7.0)
    table[:, order] = CURVE[:, : len(order)]
    lines = [sign.join(map(str, row)) for row in table]
    file = folder / "my star.csv"
    file.write_text("\n".join(["# made by hand", header, *lines]))
    return file


@pytest.mark.parametrize(("header", "order"), HEADERS.values(), ids=HEADERS)
def test__read_text__header_with_usual_names__needs_no_arguments(
    header: str, order: tuple[int, ...], tmp_path: Path
) -> None:
    curves = read_text(star_file(tmp_path, header, order))
    np.testing.assert_allclose(curves[0], CURVE, rtol=1e-6)
    assert curves.ids.tolist() == ["my star"]


def test__read_text__header_without_errors__says_what_to_give(tmp_path: Path) -> None:
    file = star_file(tmp_path, "mjd,mag", (0, 1))
    with pytest.raises(ValueError, match=r"line 2: no column of errors .* error=None"):
        read_text(file)
    np.testing.assert_allclose(read_text(file, error=None)[0], CURVE[:, :2], rtol=1e-6)


def test__table_of_one_star__says_how_to_hand_it_over() -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(CURVE, columns=["mjd", "mag", "magerr"])
    with pytest.raises(ValueError, match=r"table.assign\(id='star'\)"):
        random_embedder().transform(table)
    with pytest.raises(ValueError, match=r"table.assign\(id='star'\)"):
        LightCurves.from_long(table)
    np.testing.assert_allclose(LightCurves.from_long(table.assign(id="star"))[0], CURVE, rtol=1e-6)


def test__columns_of_one_star__read_as_three_stars__warns() -> None:
    with pytest.warns(UserWarning, match=r"\[np.column_stack\(X\)\]"):
        assert len(as_light_curves(tuple(CURVE.T))) == 3


STRANGE: dict[str, Any] = {
    "fluxes": (1, 10 ** (-0.4 * (CURVE[:, 1] - 25))),
    "times": (1, CURVE[:, 0] + 59000),
    "a mark of a missing value": (1, np.where(np.arange(30) == 7, 99.999, CURVE[:, 1])),
    "another mark": (1, np.where(np.arange(30) == 7, -99.0, CURVE[:, 1])),
}


@pytest.mark.parametrize(("column", "values"), STRANGE.values(), ids=STRANGE)
def test__magnitudes_of_no_star__warn_with_remedies(column: int, values: np.ndarray) -> None:
    strange = CURVE.copy()
    strange[:, column] = values
    message = "1 of 2 light curves .* in light curve 1, observation .* NaN; fluxes"
    with pytest.warns(LightCurveWarning, match=message):
        random_embedder().transform([CURVE, strange])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        random_embedder().transform([CURVE, CURVE])


@pytest.mark.parametrize("X", ["stars.csv", Path("stars.csv"), ["a.dat", "b.dat"]], ids=str)
def test__path_instead_of_light_curves__says_how_to_read_files(X: Any) -> None:
    with pytest.raises(TypeError, match=r"not text: '(stars.csv|a.dat)'.* datasets.read_text"):
        random_embedder().transform(X)


def test__no_weights__names_the_default_way() -> None:
    with pytest.raises(NotFittedError, match=r"AstromerEmbedder\.pretrained\(\)"):
        AstromerEmbedder().transform([CURVE])
