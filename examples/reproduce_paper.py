r"""Repeat the paper's experiment on any labelled light curves: its scenarios, tables and figures.

Donoso-Oliva et al. (2023, A&A, 670, A54, Sects. 5.4 to 8) fine-tune ASTROMER on few labelled stars,
classify with heads on its embeddings, and compare with an LSTM that reads the light curves:

(0) the encoder as it was released, frozen (not in the paper, but what the others have to beat);
(a) fine-tuned, without labels, on the 20, 50, ... stars of each class; frozen while heads learn;
(b) the encoder of (a), trained together with the head;
(c) fine-tuned, without labels, on all stars but those of the test; then as (b).

Two minutes with simulated stars, and hours with the Cepheids of OGLE-III:

    python examples/reproduce_paper.py --quick
    python examples/reproduce_paper.py --data ogle3_cepheids.parquet --name ogle3 \
        --classes F 1O 1O/2O --below-percent 80 --jobs 2 --output paper_ogle3

The data are a parquet file with one light curve per row and the columns ``id``, ``label``,
``time`` (days), ``mag`` and, perhaps, ``err``. Every fit that is done is kept in a cache: a run
that was stopped goes on, and ``--report-only`` makes tables and figures of what there is.

It needs the extras of this package for tables and plots, and the model "features" the package
light-curve.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from few_shot_asas import percent_of_id
from hand_crafted_features import light_curve_package
from joblib import Parallel, delayed, parallel_config
from numpy.typing import NDArray
from paper_figures import draw_figures
from paper_fits import BASELINES, EMBEDDING_MODELS, SCENARIOS, Fit, Plan, do_fit
from paper_tables import result_rows, write_tables

from sklearn_astromer import LightCurves, weights
from sklearn_astromer.datasets import CADENCES, make_variable_stars
from sklearn_astromer.periods import with_periods

QUICK = {
    "per_class": [5, 10],
    "test_per_class": 15,
    "splits": 2,
    "stars_per_class": 40,
    "classes": ["Cepheid", "detached binary", "Mira", "RRab"],
    "cadence": "atlas",  # the shortest light curves
    "finetune_epochs": 2,
    "finetune_epochs_all": 1,
    "epochs": 10,
    "encoder_epochs": 3,
    "patience": 4,
    "validation_fraction": 0.2,
}


def parsed_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, help="parquet file with labels; simulated stars if left out")
    add("--name", help="of the set, for files and titles; that of the data if left out")
    add("--classes", nargs="+", help="all of the data if left out")
    add("--stars-per-class", type=int, default=250, help="if they are simulated")
    add("--cadence", choices=sorted(CADENCES), default="macho", help="if they are simulated")
    add("--below-percent", type=int, default=100, help="only stars whose id has a percent below")
    add("--per-class", type=int, nargs="+", default=[20, 50, 100], help="labels to train with")
    add("--test-per-class", type=int, default=50)
    add("--splits", type=int, default=5)
    add("--scenarios", nargs="*", choices=SCENARIOS, default=list(SCENARIOS))
    models = (*EMBEDDING_MODELS, *BASELINES)
    default_models = [name for name in models if name != "features"]
    add("--models", nargs="+", choices=models, default=default_models)
    add("--weights", default="macho", help="name or path")
    add("--finetune-epochs", type=int, default=10, help="of the encoders of (a) and (b)")
    add("--finetune-epochs-all", type=int, default=3, help="of the encoders of (c)")
    add(
        "--epochs", type=int, help="most epochs of heads and LSTM; those of the package if left out"
    )
    add("--encoder-epochs", type=int, default=10, help="most epochs of encoder and head together")
    fraction = (
        "share of the labelled stars that decides when heads and LSTM stop, and gives learning "
        "curves; 0: none; that of the package (none for heads, 0.2 for the LSTM) if left out"
    )
    add("--validation-fraction", type=float, help=fraction)
    add("--patience", type=int, default=20, help="epochs without a better validation loss")
    add("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    add("--jobs", type=int, default=1, help="fits at once; if more than one, one thread each")
    add("--output", type=Path, default=Path("paper_output"), help="folder for tables and figures")
    add("--cache", type=Path, help="folder for the results of fits; OUTPUT/cache if left out")
    add("--report-only", action="store_true", help="fit nothing, report what is in the cache")
    add("--quick", action="store_true", help="other defaults: few simulated stars, few epochs")
    if parser.parse_known_args(arguments)[0].quick:
        parser.set_defaults(**QUICK)
    options = parser.parse_args(arguments)
    options.name = options.name or (options.data.stem if options.data else "simulated")
    options.cache = options.cache or options.output / "cache"
    return options


def read_stars(options: argparse.Namespace) -> tuple[LightCurves, NDArray[np.str_]]:
    """Read the light curves and labels of the chosen classes, or simulate them."""
    if options.data is None:
        if options.below_percent < 100:
            raise SystemExit("simulated stars have no ids: leave --below-percent out.")
        return make_variable_stars(
            options.stars_per_class,
            classes=options.classes,
            cadence=options.cadence,
            random_state=0,
        )
    labels = pq.read_table(options.data, columns=["label"]).column("label")
    label = np.array(labels.to_pylist(), dtype=str)
    curves = LightCurves.read_parquet(options.data, id="id")
    unknown = sorted(set(options.classes or ()) - set(label))
    if unknown:
        raise SystemExit(f"{options.data} has no stars of the classes {unknown}.")
    # A star that is there twice could be in training and in the test.
    if len(np.unique(curves.ids)) < len(curves):
        raise SystemExit(f"{options.data} has ids that are not unique.")
    chosen = np.array([percent_of_id(str(star)) < options.below_percent for star in curves.ids])
    if options.classes is not None:
        chosen &= np.isin(label, options.classes)
    return curves[chosen], label[chosen]


def do_stage(fits: list[Fit], curves: LightCurves, label: NDArray[np.str_], n_jobs: int) -> None:
    """Do the fits of one stage, several at once, and say when each is done."""

    def timed(fit: Fit, *stars: tuple[LightCurves, NDArray[np.str_]]) -> tuple[Fit, float, float]:
        begin = time.perf_counter()
        score = do_fit(fit, *stars)
        return fit, score, time.perf_counter() - begin

    # Two fits with all threads each would only be in each other's way.
    threads = {"backend": "loky", "inner_max_num_threads": 1} if n_jobs > 1 else {}
    with parallel_config(n_jobs=n_jobs, **threads):
        # Light curves are handed on as they are: not as files that are mapped into memory.
        done = Parallel(return_as="generator_unordered", max_nbytes=None)(
            delayed(timed)(
                fit, (curves[fit.train], label[fit.train]), (curves[fit.test], label[fit.test])
            )
            for fit in fits
        )
        for number, (fit, score, seconds) in enumerate(done, start=1):
            print(f"  {number} of {len(fits)}: {fit!s:<36} score {score:7.3f}", end=" ")
            print(f"in {seconds:.0f} s", flush=True)


def report(plan: Plan, options: argparse.Namespace) -> None:
    """Write the table of fits, the page of tables and the figures."""
    options.output.mkdir(parents=True, exist_ok=True)
    rows = result_rows(plan, options.name)
    paths = [*write_tables(rows, plan, options), *draw_figures(rows, plan, options)]
    print(f"  {len(rows)} of {len(plan.fits())} fits are done; wrote", end=" ")
    print(", ".join(path.name for path in paths), f"in {options.output}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parsed_options(arguments)
    begin = time.perf_counter()
    try:
        if "features" in options.models and not options.report_only:
            light_curve_package()
        curves, label = read_stars(options)
        plan = Plan(options, curves, label)
    except (ImportError, ValueError) as problem:
        raise SystemExit(str(problem)) from problem
    options.cache.mkdir(parents=True, exist_ok=True)
    print(f"{options.name}: {curves}")
    missing = [[fit for fit in stage if not fit.is_done()] for stage in plan.stages]
    n_missing = sum(map(len, missing))
    print(f"{len(plan.fits())} fits, {n_missing} of them still to do", flush=True)
    if not options.report_only:
        if n_missing and weights.load(options.weights).config.needs_ephemerides:
            # Once, instead of in each fit.
            curves = with_periods(curves, verbose=1)
        for stage in filter(None, missing):
            do_stage(stage, curves, label, options.jobs)
            report(plan, options)
    if options.report_only or not n_missing:
        report(plan, options)
    print(f"Done in {time.perf_counter() - begin:.0f} s.")


if __name__ == "__main__":
    main()
