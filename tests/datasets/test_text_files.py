"""Columns out of text files: sound ones, odd ones and broken ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from sklearn_astromer.datasets import text_files as module
from sklearn_astromer.datasets.text_files import (
    Layout,
    files_of,
    parse_columns,
    star_name,
    text_lines,
)

THREE = Layout(columns=(0, 1, 2))


def parse(text: str, layout: Layout = THREE) -> list[list[float]]:
    return parse_columns(text_lines(text.encode(), "star.dat"), layout, "star.dat").tolist()


def named(*columns: str, **options: object) -> Layout:
    return Layout(columns=columns, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("1 12.5 0.1\n2 12.25 0.2\n", THREE),
        ("1 12.5 0.1\n2 12.25 0.2", THREE),
        ("  1\t12.5  0.1 \r\n\r\n  2\t12.25  0.2 \r\n", THREE),
        ("\ufeff1,12.5,0.1\n2, 12.25 ,0.2\n", THREE),
        ('"1","12.5","0.1"\n"2","12.25","0.2"\n', THREE),
        ("# a, comment\n1 12.5 0.1 # good\n# another\n2 12.25 0.2\n", THREE),
        ("two lines\nabove\n1 12.5 0.1\n2 12.25 0.2\n", Layout((0, 1, 2), skip_header=2)),
        ("1;12.5;0.1\n2;12.25;0.2\n", Layout((0, 1, 2), delimiter=";")),
        ("1\t12.5\t\t0.1\n2\t12.25\t\t0.2\n", Layout((0, 1, 3), delimiter="\t")),
        ("! a comment\n1 12.5 0.1\n2 12.25 0.2\n", Layout((0, 1, 2), comment="!")),
        ("A 0.1 x 12.5 1\nB 0.2 y 12.25 2\n", Layout((4, 3, 1))),
        ("mjd,band,mag,err\n1,V,12.5,0.1\n2,V,12.25,0.2\n", named("mjd", "mag", "err")),
        ('"mjd" , "mag", "err"\n1,12.5,0.1\n2,12.25,0.2\n', named("mjd", "mag", "err")),
        ("err mag mjd\n0.1 12.5 1\n0.2 12.25 2\n", named("mjd", "mag", "err")),
        ("# mag is V\n#  mjd mag err\n1 12.5 0.1\n2 12.25 0.2\n", named("mjd", "mag", "err")),
        (
            "mjd mag err\n- - -\n1 12.5 0.1\n2 12.25 0.2\n",
            named("mjd", "mag", "err", skip_header=2),
        ),
        ("mjd mag err\n1 12.5 0.1\n2 12.25 0.2\n", Layout(("mjd", 1, "err"))),
    ],
)
def test__parse_columns__any_layout__gives_the_same_numbers(text: str, layout: Layout) -> None:
    assert parse(text, layout) == [[1.0, 12.5, 0.1], [2.0, 12.25, 0.2]]


def test__parse_columns__one_row__has_two_dimensions() -> None:
    assert parse("1 12.5 0.1") == [[1.0, 12.5, 0.1]]


@pytest.mark.parametrize("text", ["", "\n \n", "# nothing\n"])
def test__parse_columns__no_data__is_empty(text: str) -> None:
    lines = text_lines(text.encode(), "star.dat")
    assert parse_columns(lines, THREE, "star.dat").shape == (0, 3)


def test__parse_columns__words_and_limits__are_nan() -> None:
    text = "mjd,mag,err\n1,>17.5,99.9\n2,,0.1\n3,Null,0.1\n4,nan,0.1\n5,12.5,<0.1\n6,12.5,0.1\n"
    found = np.array(parse(text, named("mjd", "mag", "err", words=frozenset({"", "null"}))))
    assert np.isnan(found[:, 1]).tolist() == [True, True, True, True, False, False]
    assert np.isnan(found[:, 2]).tolist() == [False, False, False, False, True, False]
    assert found[:, 0].tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1 12.5 0.1\n2 12.5\n",
            r"^star.dat, line 2 has no column 2, counted from 0; the last one is 1. Is the",
        ),
        ("# c\n\n1 12.5 0.1\n2 12.x 0.1\n", r"^star.dat, line 4: '12.x' in column 1, counted"),
        ("mjd mag err\n1 12.5 0.1\n", r"^star.dat, line 1: 'mjd' in column 0.*by name"),
        ("1 12.5 0.1\n2 12.5 inf\n", r"^star.dat, line 2: the value in column 2.* is infinite"),
        ("1 12.5 0.1\n2 1e999 0.1\n", r"^star.dat, line 2: the value in column 1.* is infinite"),
        ("1;12.5;0.1\n", r"^star.dat, line 1 has no column 2.*delimiter another one"),
        ("1,12.5,0.1\n2,,0.1\n", r"^star.dat, line 2: '' in column 1.*add it to missing"),
        ("\x01\x02\xff" * 50, r"^star.dat, line 1"),
    ],
)
def test__parse_columns__faulty__names_file_and_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


def test__parse_columns__names_not_there__shows_the_beginning() -> None:
    with pytest.raises(
        ValueError, match=r"no line with the column names mjd, flux; it begins with"
    ):
        parse("mjd mag\n1 12.5\n", named("mjd", "flux"))
    with pytest.raises(ValueError, match="it is empty"):
        parse("", named("mjd", "mag"))


def test__parse_columns__sound_file__is_read_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        pytest.fail("read line by line")

    monkeypatch.setattr(module, "_parse_exactly", fail)
    np.testing.assert_array_equal(parse("# c\n1 12.5 nan\n"), [[1.0, 12.5, np.nan]])


def test__parse_columns__both_ways__give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    rows = generator.normal(15.0, 3.0, (200, 3))
    text = "\n".join(" ".join(map(repr, row)) for row in rows.tolist())
    quick = parse(text)
    monkeypatch.setattr(np, "loadtxt", lambda *_, **__: (_ for _ in ()).throw(ValueError))
    assert parse(text) == quick == rows.tolist()


def test__text_lines__gzip__is_unpacked() -> None:
    assert text_lines(gzip.compress(b"a\nb\n"), "x") == ["a", "b"]


@pytest.mark.parametrize(
    "content", [gzip.compress(b"1 2 3\n" * 99)[:-9], gzip.compress(b"1")[:5], b"\x1f\x8b" * 20]
)
def test__text_lines__damaged_gzip__names_the_file(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^star.gz is cut off or damaged"):
        text_lines(content, "star.gz")


def test__text_lines__binary__is_refused() -> None:
    with pytest.raises(ValueError, match=r"^image.fits is not a text file"):
        text_lines(b"SIMPLE\0\0", "image.fits")


def test__text_lines__other_encoding_in_a_comment__does_not_matter() -> None:
    assert parse_columns(text_lines("# Soszyński\n1 2 3".encode("latin2"), "x"), THREE, "x").size


def test__files_of__folder__naturally_sorted_files_that_match(tmp_path: Path) -> None:
    for name in ("star-10.dat", "star-9.dat", "star-9b.dat.gz", ".star-1.dat", "README"):
        (tmp_path / name).touch()
    (tmp_path / "folder.dat").mkdir()
    found = files_of(tmp_path, ("*.dat", "*.dat.gz"))
    assert [path.name for path in found] == ["star-9.dat", "star-9b.dat.gz", "star-10.dat"]
    assert files_of(tmp_path / "README", ("*.dat",)) == [tmp_path / "README"]
    both = files_of([str(tmp_path / "README"), tmp_path], ("*.dat",))
    assert [path.name for path in both] == ["README", "star-9.dat", "star-10.dat"]


def test__files_of__nothing_there__is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no file that matches \*.dat or \*.dat.gz"):
        files_of(tmp_path, ("*.dat", "*.dat.gz"))
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        files_of(tmp_path / "nowhere", ("*",))
    with pytest.raises(ValueError, match="the list of paths is empty"):
        files_of([], ("*",))


@pytest.mark.parametrize(
    ("file", "star"),
    [
        ("OGLE-LMC-CEP-0001.dat", "OGLE-LMC-CEP-0001"),
        ("OGLE-LMC-CEP-0001.dat.gz", "OGLE-LMC-CEP-0001"),
        ("LC_1.3441.15.csv", "LC_1.3441.15"),
        ("1.3441.15", "1.3441.15"),
        ("V1.TXT", "V1"),
    ],
)
def test__star_name__endings__go(file: str, star: str) -> None:
    assert star_name(file) == star
