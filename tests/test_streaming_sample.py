"""Light curves are drawn from sources of any size, each as likely as any other."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from example_curves import random_curves, small_embedder

from sklearn_astromer import LightCurves
from sklearn_astromer.streaming import sample_curves as sample_curves_with_bar

N_ROWS = 30
# Without the bar.
sample_curves = partial(sample_curves_with_bar, verbose=0)
CURVES = random_curves([3 + (7 * row) % 41 for row in range(N_ROWS)], seed=3)


def stars(empty: tuple[int, ...] = ()) -> pa.Table:
    curves = [curve[:0] if row in empty else curve for row, curve in enumerate(CURVES)]
    lists = pa.list_(pa.float64())
    return pa.table(
        {
            "id": np.arange(N_ROWS),
            "mjd": pa.array([curve[:, 0] for curve in curves], lists),
            "mag": pa.array([curve[:, 1] for curve in curves], lists),
        }
    )


@pytest.fixture
def star_file(tmp_path: Path) -> Path:
    pq.write_table(stars(empty=(4, 11)), tmp_path / "stars.parquet", row_group_size=7)
    return tmp_path / "stars.parquet"


def drawn_ids(curves: LightCurves) -> list[int]:
    assert curves.ids is not None
    return [int(name) for name in curves.ids]


@pytest.mark.parametrize("n_curves", [1, 5, 13, 28, 1000])
def test__sample_curves__any_number__gives_curves_of_the_source_in_order(
    star_file: Path, n_curves: int
) -> None:
    curves = sample_curves(star_file, n_curves, random_state=0)
    ids = drawn_ids(curves)
    assert len(ids) == min(n_curves, N_ROWS - 2)
    assert ids == sorted(set(ids) - {4, 11})
    for row, curve in zip(ids, curves, strict=True):
        np.testing.assert_array_equal(curve, CURVES[row])


@pytest.mark.parametrize("batch_rows", [1, 4, 1000])
def test__sample_curves__another_batch_or_kind_of_source__draws_the_same(
    star_file: Path, batch_rows: int
) -> None:
    wanted = drawn_ids(sample_curves(star_file, 6, random_state=1))
    from_file = sample_curves(star_file, 6, batch_rows=batch_rows, random_state=1)
    reader = stars(empty=(4, 11)).to_reader(max_chunksize=batch_rows)
    from_reader = sample_curves(reader, 6, random_state=1)
    assert drawn_ids(from_file) == drawn_ids(from_reader) == wanted
    assert drawn_ids(sample_curves(star_file, 6, random_state=2)) != wanted


def test__sample_curves__many_draws__every_light_curve_is_as_likely() -> None:
    random = np.random.RandomState(0)
    source = stars(empty=(4, 11))
    n_draws, n_curves = 200, 7
    counts = np.zeros(N_ROWS)
    for _ in range(n_draws):
        curves = sample_curves(source, n_curves, random_state=random)
        counts[drawn_ids(curves)] += 1
    assert counts[[4, 11]].tolist() == [0, 0]
    share = n_curves / (N_ROWS - 2)
    deviation = (np.delete(counts, [4, 11]) - n_draws * share) / np.sqrt(
        n_draws * share * (1 - share)
    )
    assert np.abs(deviation).max() < 4


def test__sample_curves__large_source__keeps_twice_the_sample_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = 0
    concatenate = LightCurves.concatenate

    def watched(parts: Any) -> LightCurves:
        nonlocal most
        curves = concatenate(parts)
        most = max(most, len(curves))
        return curves

    monkeypatch.setattr(LightCurves, "concatenate", watched)
    one = pa.table({"mjd": [[0.0, 1.0]] * 5000, "mag": [[15.0, 15.1]] * 5000})
    curves = sample_curves(one.to_reader(max_chunksize=10), 20, random_state=0)
    assert len(curves) == 20
    assert most < 2 * 20 + 10


def test__sample_curves__band_of_each_light_curve__draws_from_it_alone() -> None:
    table = stars().append_column("band", pa.array(["g", "r"] * (N_ROWS // 2)))
    curves = sample_curves(table, 1000, columns={"band": "r"})
    assert drawn_ids(curves) == list(range(1, N_ROWS, 2))


def test__sample_curves__verbose__shows_how_far_it_is(
    star_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample_curves(star_file, 3)
    assert capsys.readouterr().err == ""
    sample_curves_with_bar(star_file, 3)
    assert "30/30" in capsys.readouterr().err


def test__sample_curves__drawn__train_an_embedder(star_file: Path) -> None:
    embedder = small_embedder().fit(sample_curves(star_file, 20, random_state=0))
    assert embedder.transform(CURVES).shape == (N_ROWS, 8)


def test__sample_curves__faulty_light_curve__names_file_row_group_and_row(tmp_path: Path) -> None:
    table = stars()
    magnitudes = table["mag"].to_pylist()
    magnitudes[16][1] = np.inf
    table = table.set_column(2, "mag", pa.array(magnitudes))
    pq.write_table(table, tmp_path / "faulty.parquet", row_group_size=7)
    with pytest.raises(ValueError, match=r"faulty.parquet, row group 2, row 16 .* is infinite"):
        sample_curves(tmp_path / "faulty.parquet", N_ROWS)


@pytest.mark.parametrize("table", [stars(empty=tuple(range(N_ROWS))), stars().slice(0, 0)])
@pytest.mark.parametrize("as_file", [True, False])
def test__sample_curves__nothing_measured__is_refused(
    tmp_path: Path, table: pa.Table, as_file: bool
) -> None:
    pq.write_table(table, tmp_path / "stars.parquet")
    with pytest.raises(ValueError, match="no light curve that has an observation"):
        sample_curves(tmp_path / "stars.parquet" if as_file else table, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_curves": 0}, "n_curves must be a positive integer, got 0"),
        ({"batch_rows": 2.5}, "batch_rows must be a positive integer"),
        ({"columns": {"mag": "mag"}}, "columns may name time, magnitude, .*; got 'mag'"),
    ],
)
def test__sample_curves__parameter_not_valid__says_what_is(
    star_file: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sample_curves(star_file, **({"n_curves": 3} | options))
