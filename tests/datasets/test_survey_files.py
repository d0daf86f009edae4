"""Readers of OGLE, MACHO and text files of one's own."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.datasets import MISSING, read_macho, read_ogle, read_text
from sklearn_astromer.errors import LightCurveWarning

MACHO_HEADER = (
    "fieldid,tileid,seqn,obsid,dateobs,exposure,airmass,rmag,rerr,rnormsky,rtype,rcrowd,rchi2,"
    "rmpix,rcosmicrf,ramp,rxpix,rypix,ravesky,rfwhm,rtobs,rcut,bmag,berr,bnormsky,btype,bcrowd,"
    "bchi2,bmpix,bcosmicrf,bamp,bxpix,bypix,bavesky,bfwhm,btobs,bcut"
)
# The head of a file of ASAS, shortened, with numbers of our own.
ASAS = """# The All Sky Automated Survey Data
# - HJD-2450000
#ndata=    3
#dataset=  1 ; 1 F0000-00_000
#     HJD      MAG_0   MAG_1    MER_0  MER_1 GRADE FRAME
 1868.52578   10.125  10.250    0.031  0.042  A    1001
 1869.50000   29.999  10.500    0.032  0.043  C    1002
#dataset=  2 ; 1 F0000-00_001
#     HJD      MAG_0   MAG_1    MER_0  MER_1 GRADE FRAME
 1870.50000   10.375  29.999    0.033  0.044  D    1003
"""


def macho_line(time: float, red: tuple[float, float], blue: tuple[float, float]) -> str:
    fields = dict.fromkeys(MACHO_HEADER.split(","), "0.0")
    fields |= {"dateobs": f"{time}", "rmag": f"{red[0]}", "rerr": f"{red[1]}"}
    fields |= {"bmag": f"{blue[0]}", "berr": f"{blue[1]}"}
    return ",".join(fields.values())


@pytest.fixture
def macho_file(tmp_path: Path) -> Path:
    lines = [
        MACHO_HEADER,
        macho_line(48823.5, (-9.75, 0.25), (-9.5, 0.125)),
        macho_line(48824.5, (-99.0, -99.0), (-9.25, 0.5)),
        macho_line(48825.5, (-4.0, -4866.0), (-0.25, 29.999)),
        macho_line(48826.5, (-5.0, 0.0), (-9.0, 8.5)),
    ]
    path = tmp_path / "LC_1.3441.15.csv"
    path.write_bytes("\r\n".join([*lines, ""]).encode())
    return path


def test__read_ogle__real_files__are_what_numpy_reads(shared_folder: Path) -> None:
    folder = shared_folder / "data" / "raw" / "ogle3"
    curves = read_ogle(folder)
    files = sorted(folder.glob("*.dat"))
    assert curves.ids is not None
    assert curves.ids.tolist() == [path.stem for path in files]
    for curve, path in zip(curves, files, strict=True):
        expected = np.loadtxt(path)
        np.testing.assert_array_equal(curve[:, 0], expected[:, 0] + 2450000.0)
        np.testing.assert_array_equal(curve[:, 1:], expected[:, 1:].astype(np.float32))
    assert AstromerEmbedder.pretrained("macho").transform(curves).shape == (5, 256)


@pytest.mark.parametrize("band", ["red", "blue"])
def test__read_macho__real_files__keep_all_rows(shared_folder: Path, band: str) -> None:
    folder = shared_folder / "data" / "raw" / "macho"
    curves = read_macho(folder, band)
    assert curves.ids is not None
    assert curves.ids.tolist() == ["1.3441.15", "1.3442.172", "1.3442.1106", "1.3442.1388"]
    for curve, star in zip(curves, curves.ids, strict=True):
        with (folder / f"LC_{star}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        expected = np.array(
            [[float(row[name]) for name in ("dateobs", band[0] + "mag", band[0] + "err")]
             for row in rows]
        )  # fmt: skip
        measured = (expected[:, 1] != -99) & (expected[:, 2] > 0) & (expected[:, 2] != 29.999)
        np.testing.assert_array_equal(curve[:, 0], expected[:, 0])
        np.testing.assert_array_equal(np.isfinite(curve[:, 1]), measured)
        np.testing.assert_array_equal(np.isfinite(curve[:, 2]), measured)
        np.testing.assert_array_equal(
            curve[measured, 1:], expected[measured, 1:].astype(np.float32)
        )
    if band == "red":
        assert ((curves.n_finite / curves.lengths) < 0.6).all()


def test__read_macho__marks__are_no_measurements(macho_file: Path) -> None:
    red, blue = read_macho(macho_file), read_macho(macho_file.parent, band="blue")
    nan = np.nan
    np.testing.assert_array_equal(
        red[0], [[48823.5, -9.75, 0.25], *[[48824.5 + day, nan, nan] for day in range(3)]]
    )
    np.testing.assert_array_equal(
        blue[0],
        [[48823.5, -9.5, 0.125], [48824.5, -9.25, 0.5], [48825.5, nan, nan], [48826.5, -9, 8.5]],
    )
    assert red.ids is not None
    assert red.ids.tolist() == ["1.3441.15"]


def test__read_macho__band_unknown__is_refused(macho_file: Path) -> None:
    with pytest.raises(ValueError, match='band must be one of "red", "blue"'):
        read_macho(macho_file, band="R")


def test__read_macho__no_such_columns__names_the_file(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("mjd,mag\n1,2\n")
    with pytest.raises(ValueError, match=r"other.csv has no line with the column names dateobs"):
        read_macho(tmp_path)


def test__read_ogle__times__become_full_dates(tmp_path: Path) -> None:
    path = tmp_path / "star.dat"
    path.write_text("446.72055 15 0.1\n7000.5 15 0.1\n2457000.5 15 0.1 1.3 600\n")
    assert read_ogle(path).time.tolist() == [446.72055 + 2450000, 2457000.5, 2457000.5]
    with pytest.warns(LightCurveWarning, match="some times are full Julian dates"):
        mixed = read_ogle(path, zero_point=0)
    assert mixed.time.tolist() == [446.72055, 7000.5, 2457000.5]


def test__read_ogle__marks_and_errors__become_nan_and_keep_their_places(tmp_path: Path) -> None:
    path = tmp_path / "star.dat"
    path.write_text(
        "1.0 99.999 9.999\n2.0 15.5 0.125\n3.0 15.5 0.0\n4.0 15.5 -1\n5.0 15.5 99.99\n6.0 -99 0.5\n"
    )
    curve = read_ogle(path)[0]
    assert (curve[:, 0] - 2450000).tolist() == [1, 2, 3, 4, 5, 6]
    assert np.isnan(curve[:, 1]).tolist() == [True, False, False, False, False, True]
    assert np.isnan(curve[:, 2]).tolist() == [True, False, True, True, True, True]


def test__read_ogle__folder__natural_order_gzip_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "OGLE-10.dat").write_text("1 15 0.1\n2 16 0.1")
    (tmp_path / "OGLE-9.dat.gz").write_bytes(gzip.compress(b"3 17 0.1\n"))
    (tmp_path / "README").write_text("no light curve")
    curves = read_ogle(tmp_path)
    assert curves.ids is not None
    assert curves.ids.tolist() == ["OGLE-9", "OGLE-10"]
    assert curves.lengths.tolist() == [1, 2]
    assert curves.magnitude.tolist() == [17, 15, 16]
    assert capsys.readouterr().err == ""
    read_ogle(tmp_path, verbose=1)
    assert "2/2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"b.dat holds no observation; leave it out"),
        (b"# HJD mag err\n", r"b.dat holds no observation"),
        (b"1 15 0.1\n2 15", r"b.dat, line 2 has no column 2"),
        (b"1 15 0.1\n2 15.x 0.1\n", r"b.dat, line 2: '15.x'"),
        (b"\x89PNG\r\n\x1a\n\0\0", r"b.dat is not a text file"),
        (gzip.compress(b"1 15 0.1\n" * 99)[:-10], r"b.dat is cut off"),
    ],
)
def test__read_ogle__one_file_cannot_be_read__is_named(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.dat").write_text("1 15 0.1\n")
    (tmp_path / "b.dat").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_ogle(tmp_path)


def test__read_text__asas__columns_by_name_under_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "000000-0000.0"
    path.write_text(ASAS)
    curves = read_text(path, "HJD", "MAG_1", "MER_1", zero_point=2450000.0)
    np.testing.assert_allclose(
        curves[0],
        [[2451868.52578, 10.25, 0.042], [2451869.5, 10.5, 0.043], [2451870.5, np.nan, np.nan]],
        rtol=1e-7,
    )
    assert curves.time[0] == 1868.52578 + 2450000.0
    assert curves.ids is not None
    assert curves.ids.tolist() == ["000000-0000.0"]


def test__read_text__limits_without_errors__are_nan(tmp_path: Path) -> None:
    path = tmp_path / "asassn.csv"
    path.write_text("HJD,Camera,mag,mag_err\n2458000.5,bj,>16.5,99.99\n2458001.5,bj,14.5,0.25\n")
    curves = read_text(path, "HJD", "mag", None)
    assert curves.error is None
    np.testing.assert_array_equal(curves[0], [[2458000.5, np.nan], [2458001.5, 14.5]])
    with_errors = read_text(path, "HJD", "mag", "mag_err")
    np.testing.assert_array_equal(with_errors.error, [np.nan, 0.25])


def test__read_text__missing_of_ones_own__replaces_the_usual(tmp_path: Path) -> None:
    path = tmp_path / "star.txt"
    path.write_text("1 -1 0.5\n2 99.999 0.5\n3 bad 0.5\n4 14.5 0.5\n")
    with pytest.warns(LightCurveWarning, match="99.999"):
        curves = read_text(path, missing=[-1, "BAD"])
    np.testing.assert_allclose(curves.magnitude, [np.nan, 99.999, np.nan, 14.5])
    np.testing.assert_array_equal(curves.error, [np.nan, 0.5, np.nan, 0.5])
    with pytest.raises(ValueError, match=r"star.txt, line 3: 'bad'"):
        read_text(path)
    both = read_text(path, missing=(*MISSING, -1, "bad"))
    assert np.isnan(both.magnitude).tolist() == [True, True, True, False]


def test__read_text__time_like_a_mark__is_a_time(tmp_path: Path) -> None:
    path = tmp_path / "star.txt"
    path.write_text("99.0 15 0.5\n99.9 15 0.5\n")
    assert read_text(path).time.tolist() == [99.0, 99.9]


def test__read_text__pattern__chooses_files(tmp_path: Path) -> None:
    for name in ("a.txt", "b.lc"):
        (tmp_path / name).write_text("1 15 0.5\n")
    curves = read_text([tmp_path / "a.txt", tmp_path], pattern="*.lc")
    assert curves.ids is not None
    assert curves.ids.tolist() == ["a", "b"]


def test__read_text__only_two_columns__tells_which_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "star.txt").write_text("1 15\n2 16\n")
    with pytest.raises(
        ValueError, match=r"line 1 has no column 2, counted from 0; the last one is 1"
    ):
        read_text(tmp_path)
    assert read_text(tmp_path, error=None).magnitude.tolist() == [15, 16]


def test__read_text__positions_of_numpy__are_positions(tmp_path: Path) -> None:
    (tmp_path / "star.txt").write_text("1 15 0.5\n")
    time, magnitude = np.arange(2)
    assert read_text(tmp_path, time, magnitude, None).magnitude.tolist() == [15]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"time": -1}, ValueError, "a column is a position, counted from 0, or a name"),
        ({"magnitude": 1.0}, ValueError, "a column is a position"),
        ({"error": True}, ValueError, "a column is a position"),
        ({"delimiter": "::"}, ValueError, "delimiter must be one character"),
        ({"delimiter": ""}, ValueError, "delimiter must be one character"),
        ({"comment": ""}, ValueError, "comment is empty"),
        ({"skip_header": -1}, ValueError, "skip_header must be a number of lines"),
        ({"missing": "nan"}, TypeError, "missing must be a list"),
        ({"missing": -99}, TypeError, "missing must be a list"),
        ({"missing": [None]}, TypeError, "missing must hold numbers and strings"),
    ],
)
def test__read_text__wrong_parameter__is_named(
    options: dict[str, object], error: type[Exception], message: str, tmp_path: Path
) -> None:
    (tmp_path / "star.txt").write_text("1 15 0.5\n")
    with pytest.raises(error, match=message):
        read_text(tmp_path, **options)  # type: ignore[arg-type]
