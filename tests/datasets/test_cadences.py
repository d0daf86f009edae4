"""Surveys: checks of what a user writes, errors against magnitude, nights and seasons."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from sklearn_astromer.datasets import CADENCES, Cadence, make_variable_stars
from sklearn_astromer.datasets.observing import draw_weather, measure, sample_times


def times_of(cadence: Cadence, n_stars: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return sample_times(cadence, n_stars, draw_weather(cadence, generator), generator)


def longest_gaps(time: np.ndarray, star: np.ndarray) -> np.ndarray:
    return np.array([np.diff(time[star == one]).max() for one in np.unique(star)])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("span", 0.0),
        ("revisit", 0.5),
        ("exposures", 0.0),
        ("clear", 0.0),
        ("clear", 1.5),
        ("weather_spell", 0.0),
        ("night_length", 0.0),
        ("season", 0.1),
        ("season", 1.2),
        ("exposure_interval", 0.0),
        ("coverage", (0.8, 0.2)),
        ("coverage", (0.8, 0.9, 1.0)),
        ("magnitude_range", (19.0, 13.0)),
        ("moon_loss", -0.1),
        ("outlier_share", 2.0),
        ("amplitude_scale", 0.0),
        ("error_floor", 0.0),
        ("report_scatter", -1.0),
        ("depth", float("nan")),
        ("start", float("inf")),
    ],
)
def test__cadence__number_out_of_range__error_names_the_field(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        replace(CADENCES["ogle"], **{name: value})


def test__cadence__text_for_a_number__type_error() -> None:
    with pytest.raises(TypeError, match="span"):
        Cadence(band="V", span="long")  # type: ignore[arg-type]


def test__cadence__visit_longer_than_half_a_night__error() -> None:
    with pytest.raises(ValueError, match="exposure_interval"):
        Cadence(band="V", exposures=5, exposure_interval=0.1)


def test__cadence__assigned_to__error() -> None:
    with pytest.raises(FrozenInstanceError):
        CADENCES["ogle"].span = 3.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        CADENCES["mine"] = CADENCES["ogle"]  # type: ignore[index]


@pytest.mark.parametrize("name", CADENCES)
def test__typical_error__fainter__grows_from_floor_to_a_fifth_at_the_depth(name: str) -> None:
    survey = CADENCES[name]
    magnitude = np.linspace(survey.depth - 12, survey.depth, 50)
    error = survey.typical_error(magnitude)
    assert (np.diff(error) > 0).all()
    assert error[0] == pytest.approx(survey.error_floor, rel=0.02)
    assert error[-1] == pytest.approx(np.hypot(0.2, survey.error_floor))
    assert survey.typical_error(magnitude.astype(np.float32)).dtype == np.float32


def test__faintest_with_error__of_typical_error__gives_the_magnitude_back() -> None:
    survey = CADENCES["asas"]
    magnitude = np.array([9.0, 12.0, 14.5])
    back = survey.faintest_with_error(survey.typical_error(magnitude))
    np.testing.assert_allclose(back, magnitude, atol=1e-6)
    assert survey.faintest_with_error(survey.error_floor / 2) == -np.inf


def test__measure__many_observations__noise_is_as_large_as_its_errors_say() -> None:
    survey = replace(CADENCES["macho"], outlier_share=0.0, report_scatter=0.0)
    true = np.full(50_000, 18.0, dtype=np.float32)
    measured, error = measure(survey, true, np.random.default_rng(0))
    pull = (measured - true) / error
    assert pull.std() == pytest.approx(1.0, abs=0.02)
    assert pull.mean() == pytest.approx(0.0, abs=0.02)
    assert np.log(error).std() == pytest.approx(survey.condition_scatter, rel=0.05)
    assert measured.dtype == error.dtype == np.float32


def test__measure__outliers__are_as_many_as_asked_and_mostly_faint() -> None:
    survey = replace(CADENCES["ogle"], outlier_share=0.05, outlier_size=1.0)
    true = np.full(50_000, 15.0, dtype=np.float32)
    measured, error = measure(survey, true, np.random.default_rng(0))
    wrong = np.abs(measured - true) > 8 * error
    # Exponentially distributed deviations: 5 % of them stay within 0.05 mag.
    assert wrong.mean() == pytest.approx(0.05 * np.exp(-0.05), rel=0.1)
    assert (measured[wrong] > true[wrong]).mean() == pytest.approx(0.7, abs=0.04)


def test__sample_times__any_survey__rise_within_each_star_and_fall_at_night() -> None:
    for survey in CADENCES.values():
        time, star = times_of(survey)
        assert (np.diff(star) >= 0).all()
        assert (np.diff(time)[np.diff(star) == 0] > 0).all()
        assert time.min() >= survey.start
        assert time.max() <= survey.start + survey.span + 2
        hour = (time - survey.midnight + 0.5) % 1.0 - 0.5
        assert np.abs(hour).max() <= survey.night_length / 2 + 0.1 * survey.exposure_interval


def test__sample_times__part_of_the_year__leaves_season_gaps() -> None:
    time, star = times_of(replace(CADENCES["ogle"], season=0.6))
    gaps = longest_gaps(time, star)
    assert gaps.min() > 0.4 * 365.25
    assert gaps.max() < 0.4 * 365.25 + 90


def test__sample_times__whole_year_all_clear__leaves_no_gaps() -> None:
    everything = Cadence(
        band="V", season=1.0, clear=1.0, moon_loss=0.0, revisit=1.0, coverage=(1.0, 1.0), span=800
    )
    time, star = times_of(everything)
    # Nights are missed only while the star is up for less than an hour or so.
    assert longest_gaps(time, star).max() < 60
    assert np.bincount(star).min() > 0.75 * 800


def test__sample_times__seasons__drift_from_dawn_to_dusk() -> None:
    survey = replace(CADENCES["ogle"], span=300.0)
    time, _ = times_of(survey)
    hour = (time - survey.midnight + 0.5) % 1.0 - 0.5
    assert np.corrcoef(time, hour)[0, 1] < -0.4


def test__sample_times__all_sky__stars_have_seasons_of_their_own() -> None:
    for all_sky, least, most in ((True, 0.2, 1.0), (False, 0.0, 0.05)):
        time, star = times_of(replace(CADENCES["asas"], all_sky=all_sky, clear=1.0))
        season = np.exp(2j * np.pi * time / 365.25)
        centre = np.angle([season[star == one].mean() for one in range(60)]) / (2 * np.pi)
        spread = 1 - np.abs(np.exp(2j * np.pi * centre).mean())
        assert least <= spread <= most


def test__sample_times__exposures_per_visit__come_in_groups() -> None:
    survey = replace(CADENCES["atlas"], exposures=4.0, coverage=(1.0, 1.0))
    time, star = times_of(survey)
    night = np.floor(time - survey.midnight + 0.5).astype(int)
    _, counts = np.unique(star * 100_000 + night - night.min(), return_counts=True)
    # The end of the night cuts a few visits short.
    assert counts.max() == 4
    assert (counts == 4).mean() > 0.9
    assert np.median(np.diff(time)) == pytest.approx(survey.exposure_interval, rel=0.05)


def test__sample_times__full_moon__is_avoided() -> None:
    survey = replace(CADENCES["asas"], moon_loss=1.0, clear=1.0)
    time, _ = times_of(survey)
    hours = np.cos(2 * np.pi * np.floor(time - survey.midnight + 0.5) / 29.530588)
    assert (hours > 0.5).mean() < 0.5 * (hours < -0.5).mean()


def test__draw_weather__share_of_clear_nights__is_kept_in_spells() -> None:
    for clear in (0.2, 0.7, 1.0):
        survey = Cadence(band="V", clear=clear, span=60_000, weather_spell=5.0)
        is_open = draw_weather(survey, np.random.default_rng(0))
        assert is_open.shape == (60_000,)
        assert is_open.mean() == pytest.approx(clear, abs=0.03)
    turns = np.count_nonzero(
        np.diff(draw_weather(replace(survey, clear=0.7), np.random.default_rng(0)))
    )
    assert 2 * 60_000 * 0.3 / turns == pytest.approx(5.0, rel=0.1)


def test__cadence__too_short_for_any_night__error_names_the_light_curve() -> None:
    survey = replace(CADENCES["ogle"], span=3.0)
    with pytest.raises(ValueError, match=r"light curve \d+: .*span"):
        make_variable_stars(5, cadence=survey, random_state=0)
