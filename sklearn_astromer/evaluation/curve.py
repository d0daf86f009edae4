"""`few_shot_curve`: scores of several estimators against the number of labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import get_scorer, make_scorer
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, indexable

from sklearn_astromer import parameters
from sklearn_astromer.errors import ParameterError
from sklearn_astromer.evaluation.cache import (
    RESULTS,
    data_fingerprint,
    read_result,
    result_file,
    write_result,
)
from sklearn_astromer.evaluation.choosing import class_codes, rank_in_class
from sklearn_astromer.evaluation.scores import f1_macro
from sklearn_astromer.evaluation.splits import FewShotSplit
from sklearn_astromer.input_checks import checked_labels
from sklearn_astromer.light_curves import as_light_curves, holds_light_curves
from sklearn_astromer.light_curves.door import refuse_other_kinds
from sklearn_astromer.progress import progress_bar

__all__ = ["few_shot_curve"]

Scorer = Callable[[Any, Any, Any], float]
# Where fitted meta-estimators keep what they fitted.
INNER_ESTIMATORS = ("best_estimator_", "estimator_")


class _Fit(NamedTuple):
    """One fit: which estimator, on which stars; and the file for its result, if there is one."""

    name: str
    samples_per_class: int
    split: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    file: Path | None


def few_shot_curve(
    estimators: Mapping[str, Any],
    X: Any,
    y: Any,
    samples_per_class: Sequence[int] = (20, 50, 100, 500),
    *,
    test_per_class: int = 100,
    n_splits: int = 3,
    scoring: str | Scorer | None = None,
    random_state: int | np.random.RandomState | None = 0,
    on_too_few: str = "error",
    cache: str | Path | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    per_split: bool = False,
) -> Any:
    """Score estimators that were fitted with few labels (Fig. 11 of the paper, as a table).

    All estimators are fitted and tested on the same stars: those of `FewShotSplit`. The test stars
    of a split are the same for all numbers of labels, and a smaller choice of stars for training
    is part of each larger one.

    Parameters
    ----------
    estimators : dict of str to estimator
        Names for the table, and classifiers or pipelines. Clones of them are fitted.
    X : light curves, array-like or data frame
        Light curves, in any form, are converted once: the estimators get `LightCurves`. Anything
        else, such as an array of features, is handed on as it is.
    y : array-like of shape (n_stars,)
        Classes.
    samples_per_class : sequence of int, default=(20, 50, 100, 500)
        Stars of each class to train with (the paper's numbers), all different.
    test_per_class : int, default=100
        Stars of each class to test with.
    n_splits : int, default=3
        How often to do so with other stars.
    scoring : str, callable or None, default=None
        None is `f1_macro` (Eq. 7). Otherwise a name that scikit-learn knows, or a function of
        estimator, X and y that gives one number.
    random_state : int, RandomState or None, default=0
        Decides the splits. The estimators have random states of their own.
    on_too_few : {"error", "skip"}, default="error"
        What to do about classes with fewer stars than the largest number to train with and those
        to test with: raise, or leave them out everywhere, so that the rows can be compared.
    cache : str, path or None, default=None
        Folder that keeps the result of each fit as soon as it is done: a run that was stopped
        goes on from there, and what was computed before is not computed again. See the notes.
    n_jobs : int or None, default=None
        Fits at once, as in joblib.
    verbose : int, default=0
        1 shows a progress bar over the fits; see `sklearn_astromer.progress`.
    per_split : bool, default=False
        Whether to give a row for each split, instead of means.

    Returns
    -------
    table : pandas.DataFrame
        One row per estimator and number of labels: ``estimator``, ``samples_per_class``,
        ``n_splits``; ``f1_mean`` and ``f1_std``, mean and (population) standard deviation of the
        scores over the splits; the means of ``fit_seconds``, of ``predict_seconds`` (to predict
        and score all test stars) and of ``epochs``, the length of ``history_`` of the fitted
        estimator or of the last one inside it (NaN if it keeps none). With `per_split`,
        ``split`` and ``f1`` instead of the first three numbers. With another `scoring`, its name
        stands for ``f1``; that of a function is ``score``.

    Raises
    ------
    ImportError
        If pandas is not installed.
    ValueError
        If a parameter is not valid, a class has too few stars (before anything is computed), the
        score is not one number, or a file in the cache is damaged.

    Notes
    -----
    A result in the cache is found again if the version of this package, class and parameters of
    the estimator, scoring, all of `X` and `y`, and the stars of the split are the same. Code of
    your own counts little there: a function only by its own lines, a class or a file with weights
    only by its name. Delete the folder when such code or files change. Without a `random_state`
    in the estimators, the cache repeats what chance brought the first time. Times are those of
    the fit that was done.

    References
    ----------
    Donoso-Oliva, C., Becker, I., Protopapas, P., et al. 2023, A&A, 670, A54, Sects. 5.4 and 7.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_astromer.evaluation import few_shot_curve
    >>> X, y = np.arange(40.0).reshape(-1, 1), np.repeat(["faint", "bright"], 20)
    >>> table = few_shot_curve({"logistic": LogisticRegression()}, X, y, [2, 5], test_per_class=10)
    >>> table[["estimator", "samples_per_class", "n_splits"]].values.tolist()
    [['logistic', 2, 3], ['logistic', 5, 3]]
    """
    pd = _pandas()
    _check_estimators(estimators)
    _check_samples_per_class(samples_per_class)
    metric, scorer = _metric_and_scorer(scoring)
    splitter = FewShotSplit(
        max(samples_per_class),
        test_per_class=test_per_class,
        n_splits=n_splits,
        random_state=random_state,
        on_too_few=on_too_few,
    )
    labels = checked_labels(y)
    refuse_other_kinds(X)
    X, labels = indexable(as_light_curves(X) if holds_light_curves(X) else X, labels)
    classes, codes = class_codes(labels)
    splits = list(splitter.split(X, labels))

    data = "" if cache is None else data_fingerprint(X, classes, codes)
    if cache is not None:
        Path(cache).mkdir(parents=True, exist_ok=True)
    fits = []
    for name, estimator in estimators.items():
        for n in samples_per_class:
            for number, (largest, test) in enumerate(splits):
                # In its random order, the largest choice begins with the smaller ones.
                train = largest[rank_in_class(codes[largest]) < n]
                file = None
                if cache is not None:
                    file = result_file(Path(cache), data, estimator, scorer, train, test)
                fits.append(_Fit(name, n, number, train, test, file))

    results = _done(estimators, X, labels, fits, scorer, n_jobs, verbose)
    rows = pd.DataFrame(
        [
            (fit.name, fit.samples_per_class, fit.split, *(result[name] for name in RESULTS))
            for fit, result in zip(fits, results, strict=True)
        ],
        columns=["estimator", "samples_per_class", "split", metric, *RESULTS[1:]],
    ).astype({"epochs": float})
    return rows if per_split else _means(rows, metric)


def _done(
    estimators: Mapping[str, Any],
    X: Any,
    labels: NDArray[Any],
    fits: list[_Fit],
    scorer: Scorer,
    n_jobs: int | None,
    verbose: int,
) -> list[dict[str, Any]]:
    """Give the result of each fit, from the cache or by doing it."""
    known = [None if fit.file is None else read_result(fit.file) for fit in fits]
    missing = [position for position, result in enumerate(known) if result is None]
    computed = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_fit_and_score)(
            estimators[fit.name],
            scorer,
            (_safe_indexing(X, fit.train), labels[fit.train]),
            (_safe_indexing(X, fit.test), labels[fit.test]),
            fit,
        )
        for fit in map(fits.__getitem__, missing)
    )
    n_known = len(fits) - len(missing)
    with progress_bar(total=len(fits), initial=n_known, unit="fit", verbose=verbose) as bar:
        for position, result in zip(missing, computed, strict=True):
            known[position] = result
            bar.update()
    return [result for result in known if result is not None]


def _fit_and_score(
    estimator: Any, scorer: Scorer, train: tuple[Any, Any], test: tuple[Any, Any], fit: _Fit
) -> dict[str, Any]:
    begin = perf_counter()
    fitted = clone(estimator).fit(*train)
    fit_end = perf_counter()
    score = scorer(fitted, *test)
    end = perf_counter()
    if np.ndim(score) != 0 or isinstance(score, dict):
        raise ParameterError(f"scoring must give one number, but it gave {score!r}.")
    result = {
        "score": float(score),
        "fit_seconds": fit_end - begin,
        "predict_seconds": end - fit_end,
        "epochs": _epochs(fitted),
    }
    if fit.file is not None:
        about = {
            "estimator": fit.name,
            "samples_per_class": fit.samples_per_class,
            "split": fit.split,
        }
        write_result(fit.file, about | result)
    return result


def _epochs(fitted: Any) -> int | None:
    while fitted is not None:
        if hasattr(fitted, "history_"):
            return len(fitted.history_)
        if isinstance(fitted, Pipeline):
            fitted = fitted.steps[-1][1]
            continue
        inner = (getattr(fitted, name, None) for name in INNER_ESTIMATORS)
        fitted = next((estimator for estimator in inner if estimator is not None), None)
    return None


def _means(rows: Any, metric: str) -> Any:
    groups = rows.groupby(["estimator", "samples_per_class"], sort=False)
    scores = groups[metric]
    table = groups.size().to_frame("n_splits")
    table[f"{metric}_mean"] = scores.mean()
    table[f"{metric}_std"] = scores.std(ddof=0)
    return table.join(groups[list(RESULTS[1:])].mean()).reset_index()


def _metric_and_scorer(scoring: str | Scorer | None) -> tuple[str, Scorer]:
    if scoring is None:
        return "f1", make_scorer(f1_macro)
    if isinstance(scoring, str):
        return scoring, get_scorer(scoring)
    if callable(scoring):
        return "score", scoring
    raise ParameterError(
        f"scoring must be None, a name or a function of estimator, X and y, got {scoring!r}."
    )


def _check_estimators(estimators: Mapping[str, Any]) -> None:
    if not isinstance(estimators, Mapping) or not estimators:
        raise ParameterError(
            'estimators must be a dict of names and estimators, such as {"macho": pipeline}, got '
            f"{estimators!r}."
        )
    for name, estimator in estimators.items():
        if not hasattr(estimator, "fit") or isinstance(estimator, type):
            raise ParameterError(f"estimators[{name!r}] must be an estimator, got {estimator!r}.")


def _check_samples_per_class(samples_per_class: Sequence[int]) -> None:
    if isinstance(samples_per_class, str) or np.ndim(samples_per_class) != 1:
        raise ParameterError(
            "samples_per_class must be a sequence of positive integers, such as [20, 50], got "
            f"{samples_per_class!r}."
        )
    for position, n in enumerate(samples_per_class):
        parameters.whole(f"samples_per_class[{position}]", n)
    if len(samples_per_class) == 0 or len(set(samples_per_class)) < len(samples_per_class):
        raise ParameterError(
            "samples_per_class must hold one or more numbers, all different, got "
            f"{samples_per_class!r}."
        )


def _pandas() -> Any:
    try:
        import pandas as pd
    except ImportError as missing:
        raise ImportError(
            "few_shot_curve gives a table of pandas; install it with\n"
            '    pip install "sklearn-astromer[tables]"'
        ) from missing
    return pd
