"""Imports and uses all of the package in a new process, and tells what that changed around it."""

from __future__ import annotations

import importlib
import json
import locale
import logging
import os
import pkgutil
import random
import signal
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import joblib
import matplotlib as mpl
import numpy as np
import pandas as pd
import pooch  # noqa: F401
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch  # noqa: F401
import sklearn
import sklearn.decomposition
import sklearn.ensemble
import sklearn.manifold
import sklearn.model_selection
import skorch  # noqa: F401
import torch
import tqdm.auto  # noqa: F401
from matplotlib import pyplot as plt
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def state() -> dict[str, str]:
    """Everything that belongs to the whole process, as text."""
    root = logging.getLogger()
    matmul = torch.backends.cuda.matmul
    return {
        "torch generator": repr(torch.get_rng_state().numpy().tobytes()),
        "numpy generator": repr(np.random.get_state()),  # noqa: NPY002
        "Python generator": repr(random.getstate()),
        "threads": repr((torch.get_num_threads(), torch.get_num_interop_threads())),
        "default dtype": repr(torch.get_default_dtype()),
        "default device": repr(torch.get_default_device()),
        "deterministic": repr(
            (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
                torch.backends.cudnn.deterministic,
                torch.backends.cudnn.benchmark,
            )
        ),
        "precision": repr((torch.get_float32_matmul_precision(), matmul.allow_tf32)),
        "gradients": repr((torch.is_grad_enabled(), torch.is_inference_mode_enabled())),
        "anomalies": repr(torch.is_anomaly_enabled()),
        "numpy errors": repr(np.geterr()),
        "numpy printing": repr(np.get_printoptions()),
        "warnings": repr(warnings.filters),
        "scikit-learn": repr(sklearn.get_config()),
        "pandas": repr([pd.get_option(f"display.{name}") for name in ("max_rows", "precision")]),
        "matplotlib": repr((mpl.get_backend(), dict(mpl.rcParams))),
        "matplotlib's figures": repr(plt.get_fignums()),
        "logging": repr((root.handlers, root.level, logging.root.manager.disable)),
        "environment": repr(sorted(os.environ.items())),
        "folder": repr(Path.cwd()),
        "umask": repr(_umask()),
        "locale": repr(locale.setlocale(locale.LC_ALL)),
        "signals": repr([signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]),
        "hooks": repr((sys.excepthook, sys.displayhook, sys.getrecursionlimit())),
        "path": repr(sys.path),
    }


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def import_everything() -> None:
    import sklearn_astromer

    for module in pkgutil.walk_packages(sklearn_astromer.__path__, "sklearn_astromer."):
        # What it stands on sets what it likes, and is imported only if one asks for it.
        if module.name != "sklearn_astromer.dask":
            importlib.import_module(module.name)


def use_everything() -> None:
    import sklearn_astromer as sa
    from sklearn_astromer import datasets, evaluation, periods, plotting, streaming, weights

    X, y, truth = datasets.make_variable_stars(
        4, classes=["RRab", "Mira"], cadence="atlas", random_state=0, return_parameters=True
    )
    X = sa.as_light_curves([curve[:60] for curve in X])
    small: dict[str, Any] = {"embedding_size": 8, "n_blocks": 1, "n_heads": 2, "max_epochs": 2}
    given: dict[str, Any] = {"random_state": 0, "max_epochs": 2}
    for name in weights.available().names:
        if weights.available()[name].ships:
            sa.AstromerEmbedder(name).transform(X)
    embedder = sa.AstromerEmbedder(**small, random_state=0).fit(X)
    sa.AstromerEmbedder("macho", **given, batch_size=4).fit(X[:5])
    embedder.score(X)
    embedder.reconstruct(X)
    sa.AstromerEmbedder("macho", output="sequence", precision="bfloat16").transform(X)
    for head in ("linear", "lstm"):
        model = sa.AstromerClassifier(head=head, train_encoder=True, encoder_epochs=1, **given)
        model.fit(X, y).predict_proba(X)
    model.partial_fit(X, y)
    sa.LSTMClassifier(**given).fit(X, y).predict(X)
    sa.AstromerRegressor(**given).fit(X, truth["amplitude"]).predict(X)
    finder = periods.PeriodFinder().fit(X)
    finder.transform(X)
    periods.FoldedCurve().fit_transform(X)
    periods.periodogram(X[:1])
    pipeline = make_pipeline(sa.AstromerEmbedder("macho", finetune=False), LogisticRegression())
    table = evaluation.few_shot_curve({"lr": pipeline}, X, y, [1, 2], test_per_class=1)
    plotting.LightCurveDisplay.from_light_curve(X)
    plotting.ReconstructionDisplay.from_estimator(embedder, X, random_state=0)
    plotting.AttentionDisplay.from_estimator(embedder, X)
    plotting.EmbeddingDisplay.from_estimator(embedder, X, y, random_state=0)
    plotting.FewShotDisplay.from_table(table)
    plotting.LearningCurveDisplay.from_estimator({"small": embedder})
    plt.close("all")
    with tempfile.TemporaryDirectory() as folder:
        sa.AstromerEmbedder.load(embedder.save(Path(folder) / "saved")).transform(X)
        joblib.dump(pipeline, Path(folder) / "pipeline")
        joblib.load(Path(folder) / "pipeline")
        columns = {"time": [c[:, 0] for c in X], "mag": [c[:, 1] for c in X]}
        pq.write_table(pa.table(columns), Path(folder) / "stars.parquet")
        source = Path(folder) / "stars.parquet"
        sa.LightCurves.read_parquet(source)
        streaming.transform_parquet(embedder, source, Path(folder) / "out", verbose=0)
        streaming.sample_curves(source, 3, random_state=0, verbose=0)


def main() -> None:
    """Print as JSON what differs, after importing and after using."""
    # What torch itself imports and sets when it first has something to optimise is its own affair.
    torch.optim.Adam([torch.zeros(1, requires_grad=True)]).step()
    before = state()
    import_everything()
    imported = state()
    use_everything()
    used = state()
    told = {
        step: {name: [was[name], now[name]] for name in was if was[name] != now[name]}
        for step, was, now in (("import", before, imported), ("use", imported, used))
    }
    print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main()
