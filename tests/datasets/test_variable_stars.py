"""Simulated variable stars: classes, shapes, parameters, and likeness to real surveys."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sklearn_astromer import LightCurves
from sklearn_astromer.datasets import (
    CADENCES,
    VARIABLE_STAR_CLASSES,
    Cadence,
    make_variable_stars,
)

# A survey that sees everything: what it measures is the light of the stars.
PERFECT = Cadence(
    band="V",
    span=2000.0,
    season=1.0,
    night_length=0.5,
    clear=1.0,
    moon_loss=0.0,
    revisit=1.0,
    exposures=2.0,
    coverage=(1.0, 1.0),
    magnitude_range=(10.0, 11.0),
    error_floor=1e-5,
    depth=30.0,
    outlier_share=0.0,
)
PULSATING = ("RRab", "RRc", "Cepheid", "delta Scuti", "Mira")
BINARIES = ("detached binary", "contact binary")


def perfect_stars(name: str, n_stars: int = 12) -> tuple[LightCurves, dict[str, np.ndarray]]:
    X, _, parameters = make_variable_stars(
        n_stars, classes=[name], cadence=PERFECT, random_state=5, return_parameters=True
    )
    return X, parameters


def folded(curve: np.ndarray, parameters: dict[str, np.ndarray], star: int) -> np.ndarray:
    """Median magnitude in 50 bins of phase, the first one centred at phase 0."""
    cycle = (curve[:, 0] - parameters["epoch"][star]) / parameters["period"][star]
    position = np.floor((cycle % 1.0) * 50 + 0.5).astype(int) % 50
    return np.array([np.median(curve[position == one, 1]) for one in range(50)])


def test__make_variable_stars__default__all_classes_shuffled_with_equal_counts() -> None:
    X, y = make_variable_stars(6, random_state=0)
    assert isinstance(X, LightCurves)
    assert len(X) == len(y) == 6 * len(VARIABLE_STAR_CLASSES)
    names, counts = np.unique(y, return_counts=True)
    assert sorted(names) == sorted(VARIABLE_STAR_CLASSES)
    assert set(counts) == {6}
    assert len(set(y[:6])) > 1
    assert X.time.dtype == np.float64
    assert X.error is not None
    assert (X.error > 0).all()
    assert np.isfinite(X.magnitude).all()
    assert X.ids is not None
    assert len(set(X.ids)) == len(X)


def test__make_variable_stars__mapping__each_class_has_its_own_count() -> None:
    _, y = make_variable_stars({"Mira": 3, "RRab": 5}, random_state=0)
    assert dict(zip(*np.unique(y, return_counts=True), strict=True)) == {"Mira": 3, "RRab": 5}


@pytest.mark.parametrize("make", [int, np.random.RandomState, np.random.default_rng])
def test__make_variable_stars__same_random_state__same_stars(make: type) -> None:
    first, second, other = (
        make_variable_stars(4, random_state=make(seed), return_parameters=True)
        for seed in (7, 7, 8)
    )
    for name in ("time", "magnitude", "error", "offsets"):
        np.testing.assert_array_equal(getattr(first[0], name), getattr(second[0], name))
    np.testing.assert_array_equal(first[1], second[1])
    for name, values in first[2].items():
        np.testing.assert_array_equal(values, second[2][name])
    assert not np.array_equal(first[0].magnitude[:50], other[0].magnitude[:50])


def test__make_variable_stars__no_random_state__differs_from_call_to_call() -> None:
    first, second = (make_variable_stars(1, classes=["RRab"])[0] for _ in range(2))
    assert not np.array_equal(first.magnitude[:10], second.magnitude[:10])


@pytest.mark.parametrize(
    ("name", "shortest", "longest", "low", "high"),
    [
        ("RRab", 0.40, 0.90, 0.55, 0.60),
        ("RRc", 0.22, 0.45, 0.32, 0.35),
        ("Cepheid", 1.0, 50.1, 2.5, 6.0),
        ("detached binary", 0.6, 32.0, 1.5, 4.0),
        ("contact binary", 0.22, 0.71, 0.3, 0.45),
        ("delta Scuti", 0.03, 0.302, 0.07, 0.13),
        ("Mira", 100.0, 600.0, 230.0, 330.0),
    ],
)
def test__make_variable_stars__periods__are_those_of_the_class(
    name: str, shortest: float, longest: float, low: float, high: float
) -> None:
    short = replace(CADENCES["ogle"], span=500.0)
    _, _, parameters = make_variable_stars(
        500, classes=[name], cadence=short, random_state=0, return_parameters=True
    )
    period = parameters["period"]
    assert shortest <= period.min() < period.max() <= longest
    assert low < np.median(period) < high


def test__make_variable_stars__bands__redder_means_smaller_pulsation_but_equal_eclipses() -> None:
    amplitudes = {}
    for survey in ("asas", "ogle"):
        _, y, parameters = make_variable_stars(
            150, cadence=survey, random_state=0, return_parameters=True
        )
        amplitudes[survey] = {
            name: np.median(parameters["amplitude"][y == name]) for name in VARIABLE_STAR_CLASSES
        }
    for name in ("RRab", "RRc", "Cepheid", "delta Scuti"):
        assert amplitudes["ogle"][name] == pytest.approx(0.6 * amplitudes["asas"][name])
    assert amplitudes["ogle"]["Mira"] < 0.5 * amplitudes["asas"]["Mira"]
    for name in BINARIES:
        assert amplitudes["ogle"][name] == pytest.approx(amplitudes["asas"][name])


def test__make_variable_stars__rrab__longer_periods_have_smaller_amplitudes() -> None:
    _, parameters = perfect_stars("RRab", 300)
    assert np.corrcoef(parameters["period"], parameters["amplitude"])[0, 1] < -0.6


@pytest.mark.parametrize("name", [*PULSATING[:3], *BINARIES])
def test__make_variable_stars__folded_without_noise__spans_the_amplitude(name: str) -> None:
    X, parameters = perfect_stars(name)
    for star, curve in enumerate(X):
        assert np.ptp(curve[:, 1]) == pytest.approx(parameters["amplitude"][star], rel=0.05)


@pytest.mark.parametrize("name", PULSATING[:3])
def test__make_variable_stars__pulsating__brightest_at_phase_zero(name: str) -> None:
    X, parameters = perfect_stars(name)
    for star, curve in enumerate(X):
        brightest = curve[curve[:, 1].argmin(), 0] - parameters["epoch"][star]
        assert abs((brightest / parameters["period"][star] + 0.5) % 1.0 - 0.5) < 0.03


def test__make_variable_stars__rrab__rises_within_a_fifth_of_the_cycle() -> None:
    X, parameters = perfect_stars("RRab")
    for star, curve in enumerate(X):
        faintest = int(folded(curve, parameters, star).argmax())
        assert 0.68 < faintest / 50 < 0.95


def test__make_variable_stars__detached__two_narrow_eclipses_the_deeper_at_phase_zero() -> None:
    X, parameters = perfect_stars("detached binary", 30)
    for star, curve in enumerate(X):
        light = folded(curve, parameters, star)
        deep = (light - light.min()) / np.ptp(light)
        assert deep[0] > 0.9
        assert (deep > 0.5).mean() < 0.35
        assert deep[15:36].max() > deep[8:13].min()


def test__make_variable_stars__contact__two_almost_equal_minima_and_no_rest() -> None:
    X, parameters = perfect_stars("contact binary", 30)
    for star, curve in enumerate(X):
        light = folded(curve, parameters, star)
        deep = (light - light.min()) / np.ptp(light)
        assert deep[0] > 0.9
        assert deep[25] > 0.6
        assert deep[[12, 13, 37, 38]].max() < 0.35


def test__make_variable_stars__cepheids__second_harmonic_is_weakest_near_ten_days() -> None:
    X, parameters = perfect_stars("Cepheid", 200)
    log_period = np.log10(parameters["period"])
    ratio = []
    for star, curve in enumerate(X):
        cycle = (curve[:, 0] - parameters["epoch"][star]) / parameters["period"][star]
        terms = np.exp(-2j * np.pi * np.outer([1, 2], cycle)) @ (curve[:, 1] - curve[:, 1].mean())
        ratio.append(abs(terms[1]) / abs(terms[0]))
    near = np.abs(log_period - 1.05) < 0.1
    short = (log_period > 0.3) & (log_period < 0.6)
    assert near.sum() >= 3
    assert np.median(np.array(ratio)[near]) < 0.5 * np.median(np.array(ratio)[short])


def test__make_variable_stars__miras__no_two_cycles_alike_but_the_period_holds() -> None:
    X, parameters = perfect_stars("Mira", 20)
    for star, curve in enumerate(X):
        cycle = (curve[:, 0] - parameters["epoch"][star]) / parameters["period"][star]
        spans = [np.ptp(curve[np.floor(cycle) == one, 1]) for one in range(int(cycle.max()))]
        assert np.std(spans) > 0.01 * parameters["amplitude"][star]
        power = np.abs(np.exp(2j * np.pi * cycle) @ (curve[:, 1] - curve[:, 1].mean()))
        assert power * 2 / len(curve) > 0.25 * parameters["amplitude"][star]


def test__make_variable_stars__delta_scuti__some_have_a_second_mode() -> None:
    X, parameters = perfect_stars("delta Scuti", 40)
    scatter = []
    for star, curve in enumerate(X):
        cycle = (curve[:, 0] - parameters["epoch"][star]) / parameters["period"][star]
        near = np.abs((cycle + 0.5) % 1.0 - 0.5) < 0.02
        scatter.append(np.ptp(curve[near, 1]) / parameters["amplitude"][star])
    doubles = np.array(scatter) > 0.08
    assert 0.25 < doubles.mean() < 0.75


def test__make_variable_stars__constants__vary_by_their_errors_alone() -> None:
    survey = replace(CADENCES["ogle"], outlier_share=0.0)
    X, _, parameters = make_variable_stars(
        30, classes=["constant"], cadence=survey, random_state=0, return_parameters=True
    )
    assert np.isnan(parameters["period"]).all()
    assert np.isnan(parameters["phase"]).all()
    assert (parameters["amplitude"] == 0).all()
    for curve, mean in zip(X, parameters["mean_magnitude"], strict=True):
        pull = (curve[:, 1] - mean) / curve[:, 2]
        assert np.median(np.abs(pull)) == pytest.approx(0.6745, rel=0.25)


@pytest.mark.parametrize("name", CADENCES)
def test__make_variable_stars__parameters__belong_to_the_curves(name: str) -> None:
    X, y, parameters = make_variable_stars(10, cadence=name, random_state=2, return_parameters=True)
    median = np.array([np.median(curve[:, 1]) for curve in X])
    tolerance = 0.05 + 0.5 * parameters["amplitude"]
    tolerance[y == "Mira"] *= 2
    assert (np.abs(median - parameters["mean_magnitude"]) < tolerance).all()
    bright, faint = CADENCES[name].magnitude_range
    assert bright <= parameters["mean_magnitude"].min()
    assert parameters["mean_magnitude"].max() <= faint
    assert set(parameters) == {"period", "amplitude", "mean_magnitude", "phase", "epoch"}
    for values in parameters.values():
        assert values.shape == (len(X),)
    start = CADENCES[name].start
    expected = (start - parameters["epoch"]) / parameters["period"] + 1
    varies = y != "constant"
    np.testing.assert_allclose(expected[varies], parameters["phase"][varies], atol=1e-6)


@pytest.mark.parametrize("name", CADENCES)
def test__make_variable_stars__errors__grow_with_magnitude(name: str) -> None:
    X, _ = make_variable_stars(60, classes=["constant"], cadence=name, random_state=0)
    magnitude = np.array([np.median(curve[:, 1]) for curve in X])
    error = np.array([np.median(curve[:, 2]) for curve in X])
    order = np.argsort(magnitude)
    assert np.median(error[order[-10:]]) > 3 * np.median(error[order[:10]])
    assert (np.diff(error[order]) > -0.15 * error[order[1:]]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ["RRaB"]}, "did you mean 'RRab'"),
        ({"classes": ["quasar"]}, "unknown class 'quasar'"),
        ({"classes": []}, "no class"),
        ({"n_per_class": {"Miras": 3}}, "did you mean 'Mira'"),
        ({"n_per_class": {"Mira": 3}, "classes": ["RRab"]}, "n_per_class names 'Mira'"),
        ({"cadence": "Ogle"}, "did you mean 'ogle'"),
        ({"cadence": "kepler"}, "unknown cadence 'kepler'"),
        ({"n_per_class": 0}, "above 0"),
        ({"n_per_class": -3}, "above 0"),
        ({"n_per_class": 2.5}, "whole number"),
        ({"n_per_class": True}, "whole number"),
        ({"n_per_class": {"Mira": 0}}, "class 'Mira'"),
    ],
)
def test__make_variable_stars__bad_argument__value_error_that_helps(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_variable_stars(**arguments)  # type: ignore[call-overload]


def test__make_variable_stars__wrong_type__type_error() -> None:
    with pytest.raises(TypeError, match="list of class names"):
        make_variable_stars(classes="RRab")
    with pytest.raises(TypeError, match="cadence must be"):
        make_variable_stars(cadence=3)  # type: ignore[call-overload]


def test__make_variable_stars__ten_thousand_curves__in_small_memory() -> None:
    short = replace(CADENCES["ogle"], span=365.0)
    tracemalloc.start()
    X, y = make_variable_stars(1250, cadence=short, random_state=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(X) == len(y) == 10_000
    assert X.lengths.min() >= 10
    # Mostly the shapes: twice 512 phases for each star.
    assert peak < 150e6


@pytest.mark.parametrize(("name", "file"), [("asas", "asas"), ("ogle", "ogle3_cepheids")])
def test__make_variable_stars__against_a_real_survey__observed_alike(
    shared_folder: Path, name: str, file: str
) -> None:
    real = LightCurves.read_parquet(shared_folder / "data" / f"{file}.parquet")[::10]
    simulated, _ = make_variable_stars(40, cadence=name, random_state=0)
    ours, theirs = summary(simulated), summary(real)
    assert ours["count"] == pytest.approx(theirs["count"], rel=0.25)
    assert ours["spacing"] == pytest.approx(theirs["spacing"], rel=0.25)
    assert ours["span"] == pytest.approx(theirs["span"], rel=0.1)
    assert ours["gap"] == pytest.approx(theirs["gap"], rel=0.4)
    assert 1 / 2.5 < ours["error"] / theirs["error"] < 2.5


def test__make_variable_stars__against_raw_macho__observed_alike(shared_folder: Path) -> None:
    curves = []
    for file in sorted((shared_folder / "data" / "raw" / "macho").glob("*.csv")):
        table = np.genfromtxt(file, delimiter=",", names=True)
        table = table[(table["rmag"] > -50) & (table["rerr"] > 0)]
        # Magnitudes are instrumental: 23.4 mag to the standard system.
        curves.append(np.stack([table["dateobs"], table["rmag"] + 23.4, table["rerr"]], axis=1))
    simulated, _ = make_variable_stars(20, cadence="macho", random_state=0)
    ours, theirs = summary(simulated), summary(curves)
    assert ours["count"] == pytest.approx(theirs["count"], rel=0.25)
    assert ours["spacing"] == pytest.approx(theirs["spacing"], rel=0.25)
    assert ours["span"] == pytest.approx(theirs["span"], rel=0.05)
    assert ours["gap"] == pytest.approx(theirs["gap"], rel=0.25)
    for curve in curves:
        expected = CADENCES["macho"].typical_error(np.median(curve[:, 1]))
        assert 1 / 4.5 < np.median(curve[:, 2]) / expected < 2


def summary(curves: LightCurves | list[np.ndarray]) -> dict[str, float]:
    """Medians over the curves; the error is that at the magnitudes which both surveys share."""
    rows = []
    for curve in curves:
        steps = np.diff(np.sort(curve[:, 0]))
        rows.append((len(curve), np.median(steps), steps.sum(), steps.max()))
    medians = np.median(np.array(rows), axis=0)
    middle = [np.median(curve[:, 2]) for curve in curves if 11 < np.median(curve[:, 1]) < 16.5]
    names = ("count", "spacing", "span", "gap")
    return {**dict(zip(names, medians, strict=True)), "error": float(np.median(middle))}
