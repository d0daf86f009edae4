"""How fast and how well periods are found, beside astropy and light-curve.

Tables: light curves per second at 156,000 frequencies; the baseline is `light-curve` in one
process, the limit the machine's own rate of float32 matrix products. ``--recovery``: the share of
the periods of simulated stars that each of them finds. ``--cepheids FILE`` (parquet, with a column
``label``): how often the period of real stars is that of astropy on the full grid; ``--figure
FILE`` draws their periods. ``--asas FILE``: few-shot F1 of a random forest on folded curves, as in
examples/few_shot_asas.py.

Usage: python examples/benchmarks/periods.py [--curves 256] [--repeats 5] [--recovery 50]
       [--cepheids ogle3_cepheids.parquet [--figure periods.png]] [--asas asas.parquet]

Needs astropy, nifty-ls (with which astropy is fastest) and light-curve.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import light_curve
import nifty_ls  # noqa: F401 - gives astropy its method "fastnifty"
import numpy as np
from astropy.timeseries import LombScargle
from measuring import Report, Way, add_options

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.periods import FoldedCurve, PeriodFinder

LIGHT_CURVE = "light-curve, one process"
# 156,000 frequencies at 5 per 1 / span, from 1 / span to 20 per day.
MIN_PERIOD, SPAN, OVERSAMPLING = 0.05, 1560.0, 5
CLASSES = ("RRab", "RRc", "Cepheid", "contact binary", "detached binary", "delta Scuti", "Mira")
BINARIES = ("contact binary", "detached binary")


def random_curves(n_curves: int, length: int, seed: int = 0) -> LightCurves:
    random = np.random.default_rng(seed)
    time_ = np.sort(random.uniform(0, SPAN, (n_curves, length)), axis=1)
    time_[:, 0], time_[:, -1] = 0, SPAN
    error = random.uniform(0.02, 0.05, time_.shape)
    period = 10 ** random.uniform(-1, 2, (n_curves, 1))
    wave = 0.2 * np.sin(2 * np.pi * time_ / period)
    magnitude = 15 + wave + error * random.standard_normal(time_.shape)
    offsets = np.arange(n_curves + 1) * length
    return LightCurves(time_.ravel(), magnitude.ravel(), error.ravel(), offsets=offsets)


def astropy_period(curve: np.ndarray, min_period: float = MIN_PERIOD) -> float:
    """Give the period of the highest peak on the grid that `PeriodFinder` searches."""
    time_, magnitude, error = curve.T
    span = time_.max() - time_.min()
    frequency = np.arange(1 / span, 1 / min_period, 1 / (OVERSAMPLING * span))
    power = LombScargle(time_, magnitude, error).power(
        frequency, method="fastnifty", assume_regular_frequency=True
    )
    return float(1 / frequency[np.argmax(power)])


def astropy_periods(curves: list[np.ndarray]) -> list[float]:
    return [astropy_period(curve) for curve in curves]


def light_curve_feature(span: float, *, at_least: bool) -> light_curve.Periodogram:
    """Make the fast periodogram of `light-curve`, whose grids have 2^k + 1 frequencies."""
    doublings = np.log2(OVERSAMPLING * span / MIN_PERIOD)
    n = 2 ** int(np.ceil(doublings) if at_least else np.round(doublings)) + 1
    grid = 2 * np.pi * np.linspace(0.0, 1 / MIN_PERIOD, n)
    return light_curve.Periodogram(peaks=1, freqs=grid, fast=True)


def light_curve_period(curve: np.ndarray) -> float:
    curve = curve[np.argsort(curve[:, 0])]
    curve = curve[np.diff(curve[:, 0], prepend=-np.inf) > 0]  # it wants times that increase
    feature = light_curve_feature(np.ptp(curve[:, 0]), at_least=True)
    return float(feature(*curve.T.copy(), sorted=True)[0])


def measure_speed(report: Report, n_curves: int, lengths: list[int]) -> None:
    feature = light_curve_feature(SPAN, at_least=False)
    embedder = AstromerEmbedder(max_epochs=1, device="cpu", random_state=0)
    embedder.fit(random_curves(4, 20))
    finder = PeriodFinder(MIN_PERIOD, oversampling=OVERSAMPLING, device="cpu")
    n_frequencies = OVERSAMPLING * SPAN / MIN_PERIOD
    for length in lengths:
        curves = random_curves(n_curves, length)
        some = [tuple(curve.T.copy()) for curve in curves[: max(8, n_curves // 8)]]
        few = curves[:4].to_list()
        # Two multiplications and additions per observation and frequency, in the first pass.
        work = 4 * length * n_frequencies * n_curves
        find = partial(finder.transform, curves)
        theirs = partial(feature.many, some, n_jobs=1, sorted=True, check=False)
        ways = [
            Way("PeriodFinder", find, n_curves, work),
            Way(LIGHT_CURVE, theirs, len(some)),
            Way("astropy with nifty-ls", partial(astropy_periods, few), len(few)),
        ]
        if length == 200:
            ways.append(Way("encoding one window", partial(embedder.transform, curves), n_curves))
        title = f"periods of {length} observations at {n_frequencies:,.0f} frequencies"
        report.compare(title, "curves", ways, baseline=LIGHT_CURVE, limit=report.matrix_product)


def recovered(period: np.ndarray, truth: np.ndarray, factors: tuple[float, ...]) -> float:
    ratio = (period / truth)[:, None] / np.array(factors)
    return float((np.abs(ratio - 1) < 0.01).any(axis=1).mean())


def measure_recovery(n_per_class: int) -> None:
    print("\nshare of periods within 1 % (for binaries, of half or twice the period too)")
    names = ("PeriodFinder", "astropy", "light-curve")
    print(f"{'':36}" + "".join(f"{name:>14}" for name in names))
    for cadence in ("macho", "ogle", "asas"):
        X, y, truth = make_variable_stars(
            n_per_class, classes=CLASSES, cadence=cadence, random_state=0, return_parameters=True
        )
        curves = X.to_list()
        found = {
            "PeriodFinder": PeriodFinder(MIN_PERIOD, device="cpu").transform(X)[:, 0],
            "astropy": np.array([astropy_period(curve) for curve in curves]),
            "light-curve": np.array([light_curve_period(curve) for curve in curves]),
        }
        shares = []
        for kind in CLASSES:
            of_kind = y == kind
            factors = (0.5, 1.0, 2.0) if kind in BINARIES else (1.0,)
            row = [recovered(found[n][of_kind], truth["period"][of_kind], factors) for n in names]
            shares.append(row)
            print(f"{cadence + ' ' + kind:36}" + "".join(f"{share:>14.3f}" for share in row))
        mean = np.mean(shares, axis=0)
        print(f"{cadence + ' mean':36}" + "".join(f"{s:>14.3f}" for s in mean), flush=True)


def measure_cepheids(path: Path, n_stars: int, figure: Path | None) -> None:
    import pyarrow.parquet as pq

    label = np.array(pq.read_table(path, columns=["label"]).column("label").to_pylist(), dtype=str)
    curves = LightCurves.read_parquet(path)
    of_kind = np.flatnonzero(np.isin(label, ("F", "1O")))
    chosen = np.sort(np.random.default_rng(0).permutation(of_kind)[:n_stars])
    period = PeriodFinder(MIN_PERIOD, device="cpu").transform(curves[chosen])[:, 0]
    theirs = np.array([astropy_period(curve) for curve in curves[chosen]])
    same = np.abs(period / theirs - 1) < 0.01
    print(f"\n{path.name}: {same.sum()} of {len(same)} periods are within 1 % of astropy's")
    for kind in ("F", "1O"):
        logs = np.log10(period[label[chosen] == kind])
        low, middle, high = np.percentile(logs, [16, 50, 84])
        print(f"{kind:3} {len(logs)} stars: log10 period {middle:.2f} ({low:.2f} to {high:.2f})")
    if figure is not None:
        logs = np.log10(PeriodFinder(MIN_PERIOD, device="cpu").transform(curves[of_kind])[:, 0])
        draw_cepheids(logs, label[of_kind], figure)


def draw_cepheids(log_period: np.ndarray, label: np.ndarray, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    bins = np.linspace(-0.7, 1.7, 73)
    for kind, name in (("F", "fundamental mode"), ("1O", "first overtone")):
        logs = log_period[label == kind]
        axes.hist(logs, bins, histtype="step", linewidth=1.5, label=f"{name} ({len(logs)} stars)")
    axes.set_xlabel("log10 of the period (days)")
    axes.set_ylabel("number of stars")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    print(f"wrote {path}")


def measure_few_shot(path: Path) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import few_shot_asas
    from trivial_statistics import trivial_statistics

    classes = list(few_shot_asas.ASAS_CLASSES)
    # Nothing here was trained on any star, so all of them can be used.
    options = argparse.Namespace(data=path, classes=classes, unseen=False)
    curves, label = few_shot_asas.read_stars(options)
    unseen = np.array([few_shot_asas.is_unseen(str(star)) for star in curves.ids])
    statistics = trivial_statistics(curves)
    once = FoldedCurve(with_period=True, device="cpu").transform(curves)
    twice = FoldedCurve(periods=2, with_period=True, device="cpu").transform(curves)
    tables = {
        "statistics": statistics,
        "folded + period": once,
        "folded + period + statistics": np.hstack([once, statistics]),
        "folded twice + period + statistics": np.hstack([twice, statistics]),
    }
    columns = {"20": (20, False), "50": (50, False), "100": (100, False)}
    columns |= {"20 (unseen)": (20, True), "50 (unseen)": (50, True)}
    print("\nmacro F1 by labels per class, 50 test stars per class, 5 splits, random forest")
    print(f"{'':36}" + "".join(f"{name:>16}" for name in columns))
    for name, table in tables.items():
        print(f"{name:36}", end="", flush=True)
        for n_train, only_unseen in columns.values():
            chosen = np.where(unseen | (not only_unseen), label, "")
            rows = list(few_shot_asas.splits(chosen, classes, n_train, 50, 5))
            cell = few_shot_asas.mean_and_spread(table, label, "statistics", rows)
            print(f"{cell:>16}", end="", flush=True)
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=256, help="0: no measurement of speed")
    parser.add_argument("--lengths", type=int, nargs="+", default=[200, 430])
    parser.add_argument("--recovery", type=int, default=0, help="simulated stars per class")
    parser.add_argument("--cepheids", type=Path, help="parquet file of labelled Cepheids")
    parser.add_argument("--stars", type=int, default=400, help="Cepheids to compare with astropy")
    parser.add_argument("--asas", type=Path, help="parquet file of labelled stars")
    parser.add_argument("--figure", type=Path, help="picture of the periods of all Cepheids")
    add_options(parser)
    arguments = parser.parse_args()
    report = Report("periods", arguments)
    if arguments.curves:
        measure_speed(report, arguments.curves, arguments.lengths)
    if arguments.recovery:
        measure_recovery(arguments.recovery)
    if arguments.cepheids:
        measure_cepheids(arguments.cepheids, arguments.stars, arguments.figure)
    if arguments.asas:
        measure_few_shot(arguments.asas)


if __name__ == "__main__":
    main()
