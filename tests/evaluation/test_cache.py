"""Files with the results of fits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sklearn_astromer
from sklearn_astromer import LightCurves
from sklearn_astromer.evaluation.cache import (
    data_fingerprint,
    read_result,
    result_file,
    write_result,
)

RESULT = {"score": 0.5, "fit_seconds": 1.0, "predict_seconds": 0.1, "epochs": None}


def test__write_result__read_again__is_the_same(tmp_path: Path) -> None:
    write_result(tmp_path / "a.json", {"estimator": "x"} | RESULT)
    assert read_result(tmp_path / "a.json") == RESULT
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    # One value in a line, for those who open it.
    assert '"estimator": "x",' in (tmp_path / "a.json").read_text().splitlines()[1]


def test__read_result__no_file__is_none(tmp_path: Path) -> None:
    assert read_result(tmp_path / "a.json") is None


def test__write_result__fails_halfway__leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_result(file, RESULT)
    with pytest.raises(TypeError):
        write_result(file, RESULT | {"score": object()})
    assert read_result(file) == RESULT
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "JSONDecodeError"),
        ('{"score": 0.5', "JSONDecodeError"),
        ("[]", "TypeError"),
        ("{}", "KeyError.'score'"),
        (json.dumps(RESULT | {"score": None}), "score is None"),
        (json.dumps(RESULT | {"fit_seconds": "1"}), "fit_seconds is '1'"),
        (json.dumps(RESULT | {"epochs": "1"}), "epochs is '1'"),
    ],
)
def test__read_result__damaged__names_the_file_and_the_remedy(
    tmp_path: Path, text: str, why: str
) -> None:
    file = tmp_path / "a.json"
    file.write_text(text)
    message = rf"a\.json is damaged \({why}.*\)\. Delete the file; its fit is then done again\.$"
    with pytest.raises(ValueError, match=message):
        read_result(file)


def test__result_file__new_version_of_the_package__is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = result_file(tmp_path, "x", np.arange(3))
    assert before == result_file(tmp_path, "x", np.arange(3))
    assert before != result_file(tmp_path, "x", np.arange(4))
    monkeypatch.setattr(sklearn_astromer, "__version__", "99.0")
    assert result_file(tmp_path, "x", np.arange(3)) != before


def test__data_fingerprint__any_part_changes__differs() -> None:
    time, magnitude, error = np.arange(4.0), np.arange(4.0) % 2, np.ones(4)
    codes = np.array([0, 1])

    def named(**changes: object) -> str:
        columns = {"time": time, "magnitude": magnitude, "error": error, "offsets": [0, 2, 4]}
        return data_fingerprint(LightCurves(**(columns | changes)), ["a", "b"], codes)

    curves = LightCurves(time, magnitude, error, offsets=[0, 2, 4])
    names = {
        named(),
        named(time=time + 1),
        named(magnitude=magnitude + 1),
        named(error=None),
        named(error=error + 1),
        named(offsets=[0, 1, 4]),
        named(ids=["x", "y"]),
        data_fingerprint(curves, ["a", "c"], codes),
        data_fingerprint(curves, ["a", "b"], codes[::-1]),
        data_fingerprint(time.reshape(2, 2), ["a", "b"], codes),
    }
    assert len(names) == 10
    assert data_fingerprint(curves, ["a", "b"], codes) == named()
    # Parts of a larger container are no other light curves.
    more = LightCurves(np.tile(time, 2), np.tile(magnitude, 2), offsets=[0, 2, 4, 6, 8])
    assert data_fingerprint(more[2:], ["a", "b"], codes) == named(error=None)
