"""Labels that are taken, and those that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import DataConversionWarning

from sklearn_astromer.input_checks import checked_labels


def test__checked_labels__one_column__is_taken_with_a_warning() -> None:
    with pytest.warns(DataConversionWarning, match="column-vector"):
        assert checked_labels(np.array([["a"], ["b"]])).tolist() == ["a", "b"]


def test__checked_labels__infinite__is_named() -> None:
    with pytest.raises(ValueError, match="Input y contains infinity"):
        checked_labels([0.0, np.inf, 1.0])
