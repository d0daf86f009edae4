"""Train the weights that ship: the authors' own, trained on with magnitudes that are truly hidden.

The authors' library leaves the magnitudes that are to be predicted in the input, so that their
weights never had to predict. Here they are removed, from the input and as keys of the attention.
So that the weights do not forget what they know, the decoder is fitted first, the learning rate is
small, and leaving the mean embeddings of wholly visible windows is penalised; after each epoch a
few-shot probe on validation stars is printed beside the error on hidden magnitudes, and of the
epochs whose probe is as good as at the start (to `--tolerance`) the one with the least error wins.

    python examples/train_shipped_weights.py --data ../shared/data --weights macho-official \
        --output sklearn_astromer/weights/files/macho.safetensors

Of the real stars, those with a share (see `share_of_ids`) under 0.7 are never seen in training:
all numbers of the model card, which is written beside the weights, are of such stars.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_astromer import AstromerEmbedder, LightCurves, __version__, weights
from sklearn_astromer.datasets import VARIABLE_STAR_CLASSES, make_variable_stars
from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.training.pretraining import TrainingSettings, train
from sklearn_astromer.windows import usable_observations

ASAS_CLASSES = ("MIRA", "EC", "ED", "RRAB", "ESD", "DSCT", "RRC")
CEPHEID_MODES = ("F", "1O")
SURVEYS = ("asas", "ogle3_cepheids", "ogle4_cepheids", "crts_unlabeled_0")
# Of an epoch: light curves of each source. ASAS has most to teach: large amplitudes, long periods.
MIXTURE = {"asas": 2800, "ogle": 1200, "crts_unlabeled_0": 600, "simulated": 1800}
UNSEEN, VALIDATION = 0.7, 0.8
CADENCES = ("macho", "ogle", "atlas", "asas")


@dataclasses.dataclass(frozen=True)
class LabelledSet:
    """Light curves, and labels for a few-shot test of them."""

    name: str
    curves: LightCurves
    label: NDArray[np.str_]
    classes: tuple[str, ...]


def share_of_ids(ids: NDArray[Any]) -> NDArray[np.float64]:
    """Give each star a number in [0, 1) that its id alone decides: a hash of it, in hundredths."""
    digests = [hashlib.sha256(str(name).encode()).hexdigest() for name in ids]
    return np.array([int(digest[:8], 16) % 100 / 100 for digest in digests])


def read_survey(folder: Path, name: str, low: float, high: float) -> LabelledSet:
    """Read the stars of a survey whose share is in [low, high)."""
    path = folder / f"{name}.parquet"
    curves = LightCurves.read_parquet(path, id="id")
    chosen = (share_of_ids(curves.ids) >= low) & (share_of_ids(curves.ids) < high)
    names = pq.read_schema(path).names
    label = np.zeros(len(curves), dtype=str)
    if "label" in names:
        label = np.array(pq.read_table(path, columns=["label"]).column(0).to_pylist(), dtype=str)
    classes = ASAS_CLASSES if name == "asas" else CEPHEID_MODES
    return LabelledSet(name, curves[chosen], label[chosen], classes)


def training_mixture(folder: Path, random: np.random.RandomState) -> LightCurves:
    """Draw the light curves of an epoch from all sources; short sources are drawn from again."""
    parts = {name: read_survey(folder, name, VALIDATION, 1.0).curves for name in SURVEYS}
    parts["ogle"] = LightCurves.concatenate(
        [parts.pop("ogle3_cepheids"), parts.pop("ogle4_cepheids")]
    )
    n_simulated = MIXTURE["simulated"] // (len(CADENCES) * len(VARIABLE_STAR_CLASSES))
    parts["simulated"] = LightCurves.concatenate(
        [make_variable_stars(n_simulated, cadence=name, random_state=1)[0] for name in CADENCES]
    )
    drawn = []
    for name, n_curves in MIXTURE.items():
        available = len(parts[name])
        chosen = np.concatenate(
            [random.permutation(available) for _ in range(-(-n_curves // available))]
        )
        drawn.append(parts[name][chosen[:n_curves]])
        print(f"  {name:18} {n_curves:6} windows per epoch from {available} light curves")
    return LightCurves.concatenate(drawn)


def few_shot(
    embedding: NDArray[np.float32],
    data: LabelledSet,
    *,
    n_train: int,
    n_test: int,
    n_splits: int,
) -> tuple[float, float]:
    """Give mean and spread of the macro F1 of a logistic regression from a few labels."""
    scores = []
    for seed in range(n_splits):
        random = np.random.default_rng(seed)
        train_stars, test_stars = [], []
        for kind in data.classes:
            stars = random.permutation(np.flatnonzero(data.label == kind))
            test_stars.append(stars[:n_test])
            train_stars.append(stars[n_test : n_test + n_train])
        learn, judge = np.concatenate(train_stars), np.concatenate(test_stars)
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
        predicted = model.fit(embedding[learn], data.label[learn]).predict(embedding[judge])
        scores.append(f1_score(data.label[judge], predicted, average="macro"))
    return float(np.mean(scores)), float(np.std(scores))


def embedder_with(network: AstromerNetwork) -> AstromerEmbedder:
    embedder = AstromerEmbedder(random_state=0, batch_size=64)
    embedder.network_ = network
    return embedder


def at_most(data: LabelledSet, n_per_class: int) -> LabelledSet:
    """Keep so many stars of each class."""
    random = np.random.default_rng(0)
    chosen = [
        random.permutation(np.flatnonzero(data.label == kind))[:n_per_class]
        for kind in data.classes
    ]
    rows = np.sort(np.concatenate(chosen))
    return LabelledSet(data.name, data.curves[rows], data.label[rows], data.classes)


class Probe(Callback):
    """After each epoch: the error on hidden magnitudes and the few-shot F1 of validation stars."""

    def __init__(self, data: LabelledSet, tolerance: float, seconds: float) -> None:
        self.data = data
        self.tolerance = tolerance
        self.seconds = seconds

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Measure where the training starts."""
        self.begin_ = time.perf_counter()
        self.best_error_, self.best_epoch_, self.best_state_ = np.inf, 0, None
        self.first_f1_ = self.look(net, 0)[1]

    def look(self, net: Any, epoch: int) -> tuple[float, float]:
        """Measure and print."""
        embedder = embedder_with(net.module_.eval())
        embedding = embedder.transform(self.data.curves)
        smallest = min(int((self.data.label == kind).sum()) for kind in self.data.classes)
        n_test = smallest // 2
        f1, _ = few_shot(
            embedding, self.data, n_train=smallest - n_test, n_test=n_test, n_splits=30
        )
        error = -embedder.score(self.data.curves, relative=True)
        print(
            f"  epoch {epoch:3}: {time.perf_counter() - self.begin_:6.0f} s, validation stars: "
            f"RMSE/std {error:.3f}, F1 {f1:.3f}",
            flush=True,
        )
        return error, f1

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Measure, keep the weights if they are the best so far, and stop when time is up."""
        epoch = net.history[-1, "epoch"]
        error, f1 = self.look(net, epoch)
        if f1 >= self.first_f1_ - self.tolerance and error < self.best_error_:
            state = net.module_.state_dict()
            self.best_error_, self.best_epoch_ = error, epoch
            self.best_state_ = {name: value.clone() for name, value in state.items()}
        if time.perf_counter() - self.begin_ > self.seconds:
            raise KeyboardInterrupt


def report_sets(folder: Path) -> list[LabelledSet]:
    """Stars that training never saw, at most 150 of a class."""
    curves, label = make_variable_stars(100, cadence="ogle", random_state=12345)
    return [
        at_most(read_survey(folder, "asas", 0.0, UNSEEN), 150),
        at_most(read_survey(folder, "ogle3_cepheids", 0.0, UNSEEN), 150),
        LabelledSet("simulated, OGLE cadence", curves, label, VARIABLE_STAR_CLASSES),
    ]


def report(network: AstromerNetwork, sets: list[LabelledSet]) -> dict[str, dict[str, float]]:
    """Measure a network on stars that training never saw."""
    rows = {}
    embedder = embedder_with(network)
    for data in sets:
        embedding = embedder.transform(data.curves)
        mean, spread = few_shot(embedding, data, n_train=20, n_test=50, n_splits=5)
        error = -embedder.score(data.curves, relative=True)
        rows[data.name] = {"RMSE/std": error, "F1": mean, "F1 spread": spread}
        print(f"  {data.name:26} RMSE/std {error:.3f}   F1 {mean:.3f} ± {spread:.3f}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the parquet files")
    parser.add_argument("--weights", default="macho-official", help="where to start")
    parser.add_argument("--output", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after so long")
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--anchor", type=float, default=0.3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--tolerance", type=float, default=0.01, help="F1 that may be lost")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    start = weights.load(options.weights)
    random = np.random.RandomState(options.seed)
    mixture = usable_observations(training_mixture(options.data, random))
    validation = at_most(read_survey(options.data, "asas", UNSEEN, VALIDATION), 40)
    sets = report_sets(options.data)
    print(f"{options.weights}, unseen stars:")
    before = report(start.build(), sets)

    # Dropout of 0.1 keeps the MACHO weights from learning: their error grows, their F1 falls.
    config = dataclasses.replace(start.config, dropout=options.dropout)
    network = dataclasses.replace(start, config=config).build()
    probe = Probe(validation, options.tolerance, 60 * options.minutes)
    settings = TrainingSettings(
        learning_rate=options.learning_rate,
        anchor=options.anchor,
        max_epochs=options.epochs,
        patience=None,
        batch_size=options.batch_size,
        hidden_fraction=0.5,
        visible_fraction=0.0,
        fine_tuning=True,
        device=torch.device("cpu"),
        precision="float32",
        seed=options.seed,
        verbose=0,
    )
    history = train(network, mixture, None, settings, callbacks=[("probe", probe)])
    if probe.best_state_ is None:
        raise SystemExit("No epoch kept the few-shot F1; raise --anchor or --tolerance.")
    network.load_state_dict(probe.best_state_)
    print(f"epoch {probe.best_epoch_} of {len(history)}, unseen stars:")
    after = report(network, sets)
    name = options.output.stem
    n_windows = probe.best_epoch_ * sum(MIXTURE.values())
    metadata = start.metadata | {
        "name": name,
        "started_from": options.weights,
        "trained_with": f"sklearn_astromer {__version__}, examples/train_shipped_weights.py",
        "windows": n_windows,
        "settings": {
            key: getattr(options, key)
            for key in ("learning_rate", "anchor", "batch_size", "dropout", "seed")
        },
    }
    weights.write_checkpoint(
        options.output, weights.Checkpoint(network.config, network.state_dict(), metadata)
    )
    card = model_card(name, options, start, network, n_windows, before, after)
    options.output.with_suffix(".md").write_text(card, encoding="utf-8")
    print(f"wrote {options.output} and its model card")


def model_card(
    name: str,
    options: argparse.Namespace,
    start: weights.Checkpoint,
    network: AstromerNetwork,
    n_windows: int,
    before: dict[str, dict[str, float]],
    after: dict[str, dict[str, float]],
) -> str:
    entry = weights.available()[options.weights]
    rows = [
        f"| {survey} | {before[survey]['RMSE/std']:.3f} | {after[survey]['RMSE/std']:.3f} "
        f"| {before[survey]['F1']:.3f} ± {before[survey]['F1 spread']:.3f} "
        f"| {after[survey]['F1']:.3f} ± {after[survey]['F1 spread']:.3f} |"
        for survey in before
    ]
    table = "\n".join(rows)
    config = network.config
    mixture = ", ".join(f"{name} {count}" for name, count in MIXTURE.items())
    return f"""# {name}

**Lineage.** Started from `{options.weights}` ({entry.description}; {entry.survey}, {entry.band}
band), and trained on by `examples/train_shipped_weights.py` for {n_windows:,} windows of up to
{network.config.window_size} observations. Half of the observations of each window were truly
hidden: their magnitudes were removed from the input, and they were no keys of the attention.

**Licence and citation.** The original weights: {entry.licence}, {entry.address}
(SHA-256 `{entry.sha256}`). {entry.citation}. These weights: MIT, as the package.

**Network.** {config.n_blocks} blocks, {config.embedding_size} components, base of the time encoding
{config.time_base:.0f}, attention to padding: `{config.attention}`.

**Data.** Light curves per epoch: {mixture}. ASAS V band; OGLE-III and OGLE-IV Cepheids of the LMC,
I band; CRTS field stars, clear; simulated variable stars at {", ".join(CADENCES)} cadence. Real
stars with a share of id under {UNSEEN} (70 % of each survey) were never seen in training.

**Settings.** Adam, learning rate {options.learning_rate} with warm-up and cosine decay, batches of
{options.batch_size}, dropout {options.dropout}, anchor {options.anchor}, seed {options.seed};
decoder fitted first by ridge regression; the epoch with the least error on hidden magnitudes of
validation stars among those that kept their few-shot F1 to {options.tolerance}.

**Measured on stars that training never saw.** RMSE/std: 50 % of the observations of each window
hidden, root of the mean square error over all hidden observations over the standard deviation of
their zero-mean magnitudes. F1: macro average, logistic regression on the standardised mean
embedding, 20 labels per class, 50 test stars per class, mean and standard deviation of 5 splits.

| stars | RMSE/std before | after | F1 before | after |
|---|---|---|---|---|
{table}

ASAS: {" ".join(ASAS_CLASSES)}. OGLE-III Cepheids: {" ".join(CEPHEID_MODES)}.
"""


if __name__ == "__main__":
    main()
