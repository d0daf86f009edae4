"""Simulated variable stars: real kinds of stars, observed as a real survey would."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from sklearn_astromer.datasets.cadences import CADENCES, Cadence
from sklearn_astromer.datasets.observing import draw_weather, measure, sample_times
from sklearn_astromer.datasets.star_kinds import MAKERS, Stars
from sklearn_astromer.datasets.star_light import true_magnitudes
from sklearn_astromer.errors import ParameterError
from sklearn_astromer.light_curves import LightCurves

__all__ = ["VARIABLE_STAR_CLASSES", "make_variable_stars"]

VARIABLE_STAR_CLASSES: tuple[str, ...] = tuple(MAKERS)
"""The classes that can be simulated."""

FloatArray = npt.NDArray[np.float64]
RandomState = int | np.random.RandomState | np.random.Generator | None

# A star is catalogued as variable only if its amplitude stands out of the noise by this factor.
AMPLITUDE_OVER_ERROR = 3.0
# Stars that are fainter than magnitudes of this error, about two sigma, are not seen at all.
DETECTION_ERROR = 0.5
# So many stars are observed at once, which bounds the memory of the work arrays.
STARS_PER_BLOCK = 512


@overload
def make_variable_stars(
    n_per_class: int | Mapping[str, int] = ...,
    *,
    classes: Sequence[str] | None = ...,
    cadence: str | Cadence = ...,
    random_state: RandomState = ...,
    return_parameters: Literal[False] = ...,
) -> tuple[LightCurves, npt.NDArray[np.str_]]: ...


@overload
def make_variable_stars(
    n_per_class: int | Mapping[str, int] = ...,
    *,
    classes: Sequence[str] | None = ...,
    cadence: str | Cadence = ...,
    random_state: RandomState = ...,
    return_parameters: Literal[True],
) -> tuple[LightCurves, npt.NDArray[np.str_], dict[str, FloatArray]]: ...


def make_variable_stars(
    n_per_class: int | Mapping[str, int] = 100,
    *,
    classes: Sequence[str] | None = None,
    cadence: str | Cadence = "macho",
    random_state: RandomState = None,
    return_parameters: bool = False,
) -> Any:
    """Simulate labelled light curves of variable stars as a survey would observe them.

    Every star gets a period, an amplitude and a shape from the distributions of its class, a
    mean magnitude, and a phase. It is then observed on the clear nights of the survey, in its
    season, with errors that grow towards faint magnitudes, and with some outliers.

    Parameters
    ----------
    n_per_class : int or mapping of str to int, default=100
        Number of stars in each class, or for each class its own number.
    classes : sequence of str, default=None
        Some of ``VARIABLE_STAR_CLASSES``; None means all of them, or those that `n_per_class`
        names.
    cadence : {"macho", "ogle", "atlas", "asas"} or Cadence, default="macho"
        The survey: nights, hours, band, magnitudes and errors.
    random_state : int, RandomState, Generator or None, default=None
        Source of chance. The same integer gives the same stars.
    return_parameters : bool, default=False
        Whether to return what the light curves were made from as well.

    Returns
    -------
    X : LightCurves
        Light curves: times in days, magnitudes and their errors. The classes are shuffled.
    y : ndarray of shape (n_stars,), str
        Names of the classes.
    parameters : dict of str to ndarray of shape (n_stars,), float64
        Only if `return_parameters`: "period" in days; "amplitude" of the main period, peak to
        peak in magnitudes, 0 for constant stars; "mean_magnitude"; "phase" of the star when
        the survey begins, in cycles; "epoch", the first day of phase 0 afterwards. Phase 0 is
        maximum light of pulsating stars and the middle of the deeper eclipse of binaries, and
        an observation has the phase ``(time - epoch) / period``, modulo 1. Of constant stars
        period, phase and epoch are NaN.

    Raises
    ------
    ParameterError
        If a class or a cadence is unknown, if a number of stars is not a whole number above 0,
        or if the cadence leaves a star without observations.
    TypeError
        If `classes` or `cadence` is of a wrong type.

    See Also
    --------
    Cadence : Describe a survey of your own.

    Notes
    -----
    The classes are RR Lyrae stars of type ab and c, classical Cepheids (fundamental mode),
    detached and contact eclipsing binaries, delta Scuti stars, Miras, and constant stars.

    The mean magnitudes of all classes cover the range of the survey, as for stars at any
    distance: brightness tells little of the class. Only stars that vary by more than three
    times their typical error are made, because others would not have been found to vary.

    Blends, the Blazhko effect and period changes other than those of Miras are left out.

    References
    ----------
    The sources of each distribution are named where it is drawn: ``star_kinds`` (periods and
    amplitudes), ``star_shapes`` (shapes), ``star_light`` (cycles of Miras) and ``cadences``
    (surveys).

    Examples
    --------
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> X, y = make_variable_stars(3, classes=["RRab", "Mira"], cadence="ogle", random_state=0)
    >>> len(X), sorted(set(y.tolist()))
    (6, ['Mira', 'RRab'])
    """
    counts = _checked_counts(n_per_class, classes)
    survey = _checked_cadence(cadence)
    generator = _generator(random_state)

    labels, stars = _draw_stars(counts, survey, generator)
    mean_magnitude = _mean_magnitudes(stars.amplitude, survey, generator)
    phase = generator.random(len(labels))
    curves = _observe(stars, mean_magnitude, phase, survey, generator)
    if not return_parameters:
        return curves, labels
    parameters = {
        "period": stars.period,
        "amplitude": stars.amplitude,
        "mean_magnitude": mean_magnitude,
        "phase": np.where(np.isnan(stars.period), np.nan, phase),
        "epoch": survey.start + (1.0 - phase) * stars.period,
    }
    return curves, labels, parameters


def _draw_stars(
    counts: Mapping[str, int], survey: Cadence, generator: np.random.Generator
) -> tuple[npt.NDArray[np.str_], Stars]:
    labels = np.repeat(np.array(list(counts)), list(counts.values()))
    parts = [MAKERS[name](count, survey, generator) for name, count in counts.items()]
    order = generator.permutation(len(labels))
    columns = zip(*parts, strict=True)
    return labels[order], Stars._make(np.concatenate(column)[order] for column in columns)


def _mean_magnitudes(
    amplitude: FloatArray, survey: Cadence, generator: np.random.Generator
) -> FloatArray:
    bright, faint = survey.magnitude_range
    found = survey.faintest_with_error(amplitude / AMPLITUDE_OVER_ERROR)
    # Some room is left even to the smallest amplitudes, so that they do not all look alike.
    nearest = min(bright + 0.5, faint)
    limit = np.where(amplitude > 0, np.clip(found, nearest, faint), faint)
    # Faint stars are more numerous: their density rises linearly from the bright end.
    return bright + (limit - bright) * np.sqrt(generator.random(len(amplitude)))


def _observe(
    stars: Stars,
    mean_magnitude: FloatArray,
    phase: FloatArray,
    survey: Cadence,
    generator: np.random.Generator,
) -> LightCurves:
    n_stars = len(phase)
    is_open = draw_weather(survey, generator)
    limit = survey.faintest_with_error(DETECTION_ERROR)
    times, magnitudes, errors, lengths = [], [], [], []
    for first in range(0, n_stars, STARS_PER_BLOCK):
        block = slice(first, first + STARS_PER_BLOCK)
        some = Stars._make(column[block] for column in stars)
        time, star = sample_times(survey, len(some.period), is_open, generator)
        true = true_magnitudes(
            some, mean_magnitude[block], phase[block], time - survey.start, star, generator
        )
        seen = true < limit
        time, star, true = time[seen], star[seen], true[seen]
        magnitude, error = measure(survey, true, generator)
        times.append(time)
        magnitudes.append(magnitude)
        errors.append(error)
        lengths.append(np.bincount(star, minlength=len(some.period)))
    length = np.concatenate(lengths)
    if (length == 0).any():
        raise ParameterError(
            f"light curve {int((length == 0).argmax())}: the cadence leaves it without any "
            "observation; widen its span, season or coverage, or make magnitude_range brighter."
        )
    return LightCurves(
        np.concatenate(times),
        np.concatenate(magnitudes),
        np.concatenate(errors),
        offsets=np.concatenate([[0], np.cumsum(length)]),
        ids=np.char.add("simulated-", np.arange(n_stars).astype(str)),
    )


def _generator(random_state: RandomState) -> np.random.Generator:
    if isinstance(random_state, np.random.Generator):
        return random_state
    seeds = check_random_state(random_state).randint(0, 2**31 - 1, size=4)
    return np.random.default_rng(seeds)


def _checked_cadence(cadence: str | Cadence) -> Cadence:
    if isinstance(cadence, Cadence):
        return cadence
    if not isinstance(cadence, str):
        raise TypeError(f"cadence must be a name or a Cadence, got {cadence!r}.")
    if cadence in CADENCES:
        return CADENCES[cadence]
    raise ParameterError(
        f"unknown cadence {cadence!r}{_suggestion(cadence, CADENCES)}; use one of "
        f"{', '.join(CADENCES)}, or a Cadence of your own."
    )


def _checked_counts(
    n_per_class: int | Mapping[str, int], classes: Sequence[str] | None
) -> dict[str, int]:
    if isinstance(classes, str):
        raise TypeError(f"classes must be a list of class names, got the string {classes!r}.")
    each = n_per_class if isinstance(n_per_class, Mapping) else None
    names = list(VARIABLE_STAR_CLASSES if each is None else each) if classes is None else classes
    if len(names) == 0:
        raise ParameterError(
            f"no class is asked for; use some of {', '.join(VARIABLE_STAR_CLASSES)}."
        )
    counts = {}
    for name in dict.fromkeys([*names, *(each or ())]):
        if name not in VARIABLE_STAR_CLASSES:
            raise ParameterError(
                f"unknown class {name!r}{_suggestion(name, VARIABLE_STAR_CLASSES)}; "
                f"use some of {', '.join(VARIABLE_STAR_CLASSES)}."
            )
        if each is not None and (name not in each or name not in names):
            raise ParameterError(
                f"n_per_class names {', '.join(map(repr, each))} but classes is {names!r}; "
                "leave classes out, or name the same classes in both."
            )
        count = n_per_class if each is None else each[name]
        if not isinstance(count, numbers.Integral) or isinstance(count, bool) or count <= 0:
            raise ParameterError(
                f"n_per_class must be a whole number above 0, got {count!r} for class {name!r}."
            )
        counts[str(name)] = int(count)
    return counts


def _suggestion(name: str, known: Iterable[str]) -> str:
    folded = {one.lower(): one for one in known}
    close = difflib.get_close_matches(str(name).lower(), list(folded), n=1, cutoff=0.5)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""
