"""Train the weights that ship: the authors' own, trained on with magnitudes that are truly hidden.

The authors' library leaves the magnitudes that are to be predicted in the input, so that their
weights never had to predict. Here they are removed, from the input and as keys of the attention.
So that the weights do not forget what they know, the decoder is fitted first, the learning rate is
small, and leaving the mean embeddings of wholly visible windows is penalised. In the end the
trained weights are blended with those from the start (Wortsman et al. 2022, "Robust fine-tuning of
zero-shot models", CVPR): of the blends that keep the few-shot F1 of validation stars to
`--tolerance`, the one with the least error on hidden magnitudes wins.

    python examples/train_shipped_weights.py --data ../shared/data --weights macho-official \
        --output sklearn_astromer/weights/files/macho.safetensors

Of the real stars, those whose id has a percent under 70 (see `percent_of_id`) are never seen in
training: all numbers of the model card, which is written beside the weights, are of such stars.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from few_shot_asas import ASAS_CLASSES, UNSEEN_PERCENT, percent_of_id, splits
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_astromer import AstromerEmbedder, LightCurves, __version__, weights
from sklearn_astromer.datasets import VARIABLE_STAR_CLASSES, make_variable_stars
from sklearn_astromer.network import AstromerNetwork, NetworkConfig
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.decoder import solve_decoder
from sklearn_astromer.training.pretraining import HiddenWindows, TrainingSettings, train
from sklearn_astromer.windows import Observations, usable_observations

CEPHEID_MODES = ("F", "1O")
SURVEYS = ("asas", "ogle3_cepheids", "ogle4_cepheids", "crts_unlabeled_0")
# Of an epoch: light curves of each source. ASAS has most to teach: large amplitudes, long periods.
MIXTURE = {"asas": 2800, "ogle": 1200, "crts_unlabeled_0": 600, "simulated": 1800}
# Percents of ids: below the first report, from the first to the second validation, then training.
VALIDATION_PERCENT = 80
BLENDS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
CADENCES = ("macho", "ogle", "atlas", "asas")


@dataclasses.dataclass(frozen=True)
class LabelledSet:
    """Light curves, and labels for a few-shot test of them."""

    name: str
    curves: LightCurves
    label: NDArray[np.str_]
    classes: tuple[str, ...]


def read_survey(folder: Path, name: str, low: int, high: int) -> LabelledSet:
    """Read the stars of a survey whose percent of id is in [low, high)."""
    path = folder / f"{name}.parquet"
    curves = LightCurves.read_parquet(path, id="id")
    percent = np.array([percent_of_id(str(star)) for star in curves.ids])
    chosen = (percent >= low) & (percent < high)
    names = pq.read_schema(path).names
    label = np.zeros(len(curves), dtype=str)
    if "label" in names:
        label = np.array(pq.read_table(path, columns=["label"]).column(0).to_pylist(), dtype=str)
    classes = ASAS_CLASSES if name == "asas" else CEPHEID_MODES
    return LabelledSet(name, curves[chosen], label[chosen], classes)


def training_mixture(folder: Path, random: np.random.RandomState) -> LightCurves:
    """Draw the light curves of an epoch from all sources; short sources are drawn from again."""
    parts = {name: read_survey(folder, name, VALIDATION_PERCENT, 100).curves for name in SURVEYS}
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
    for learn, judge in splits(data.label, list(data.classes), n_train, n_test, n_splits):
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


def look(network: AstromerNetwork, data: LabelledSet, what: str) -> tuple[float, float]:
    """Measure a network on validation stars, and print: RMSE/std and few-shot F1."""
    embedder = embedder_with(network.eval())
    embedding = embedder.transform(data.curves)
    smallest = min(int((data.label == kind).sum()) for kind in data.classes)
    n_test = smallest // 2
    f1, _ = few_shot(embedding, data, n_train=smallest - n_test, n_test=n_test, n_splits=30)
    error = -embedder.score(data.curves, relative=True)
    print(f"  {what}: validation stars: RMSE/std {error:.3f}, F1 {f1:.3f}", flush=True)
    return error, f1


class Probe(Callback):
    """Looks at validation stars after each epoch, and stops when time is up."""

    def __init__(self, data: LabelledSet, seconds: float) -> None:
        self.data = data
        self.seconds = seconds

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Measure where the training starts."""
        self.begin_ = time.perf_counter()
        look(net.module_, self.data, "epoch 0")

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Measure."""
        elapsed = time.perf_counter() - self.begin_
        look(net.module_, self.data, f"epoch {net.history[-1, 'epoch']} ({elapsed:.0f} s)")
        if elapsed > self.seconds:
            raise KeyboardInterrupt


def blend(
    start: AstromerNetwork,
    trained: AstromerNetwork,
    windows: HiddenWindows,
    data: LabelledSet,
    tolerance: float,
) -> tuple[AstromerNetwork, float]:
    """Find the blend that predicts best among those whose embeddings are as useful as before."""
    chosen, chosen_share, least_error, first_f1 = start, 0.0, np.inf, 0.0
    for share in BLENDS:
        network = deepcopy(trained)
        with torch.no_grad():
            for value, from_start in zip(network.parameters(), start.parameters(), strict=True):
                value.lerp_(from_start, 1 - share)
        solve_decoder(network, windows, most_batches=60)
        error, f1 = look(network, data, f"blend {share:.2f}")
        if share == 0:
            first_f1 = f1
        if f1 >= first_f1 - tolerance and error < least_error:
            chosen, chosen_share, least_error = network, share, error
    return chosen, chosen_share


def report_sets(folder: Path) -> list[LabelledSet]:
    """Stars that training never saw, at most 150 of a class."""
    curves, label = make_variable_stars(100, cadence="ogle", random_state=12345)
    return [
        at_most(read_survey(folder, "asas", 0, UNSEEN_PERCENT), 150),
        at_most(read_survey(folder, "ogle3_cepheids", 0, UNSEEN_PERCENT), 150),
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
    parser.add_argument("--tolerance", type=float, default=0.02, help="F1 that may be lost")
    parser.add_argument("--trained", type=Path, help="what an earlier run trained, to be blended")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    start = weights.load(options.weights)
    random = np.random.RandomState(options.seed)
    mixture = usable_observations(training_mixture(options.data, random))
    validation = at_most(read_survey(options.data, "asas", UNSEEN_PERCENT, VALIDATION_PERCENT), 40)
    sets = report_sets(options.data)
    print(f"{options.weights}, unseen stars:")
    before = report(start.build(), sets)

    # Dropout of 0.1 keeps the MACHO weights from learning: their error grows, their F1 falls.
    config = dataclasses.replace(start.config, dropout=options.dropout)
    start = dataclasses.replace(start, config=config)
    if options.trained is None:
        trained, n_epochs = trained_network(start, mixture, validation, options)
    else:
        earlier = weights.load(options.trained)
        trained, n_epochs = earlier.build(), earlier.metadata["epochs"]
    windows = HiddenWindows(
        DeviceObservations(mixture, config, torch.device("cpu")),
        batch_size=options.batch_size,
        hidden_fraction=0.5,
        visible_fraction=0.0,
        seed=options.seed,
        same_each_epoch=True,
    )
    network, share = blend(start.build(), trained, windows, validation, options.tolerance)
    print(f"blend {share}, unseen stars:")
    after = report(network, sets)
    name = options.output.stem
    n_windows = n_epochs * sum(MIXTURE.values())
    metadata = {
        "name": name,
        "licence": start.metadata["licence"],
        "citation": start.metadata["citation"],
        "original": start.metadata,
        "started_from": options.weights,
        "trained_with": f"sklearn_astromer {__version__}, examples/train_shipped_weights.py",
        "windows": n_windows,
        "blend": share,
        "settings": {
            key: getattr(options, key)
            for key in ("learning_rate", "anchor", "batch_size", "dropout", "seed")
        },
    }
    weights.write_checkpoint(
        options.output, weights.Checkpoint(network.config, network.state_dict(), metadata)
    )
    card = model_card(options, network.config, n_windows, share, before, after)
    options.output.with_suffix(".md").write_text(card, encoding="utf-8")
    print(f"wrote {options.output} and its model card")


def trained_network(
    start: weights.Checkpoint,
    mixture: Observations,
    validation: LabelledSet,
    options: argparse.Namespace,
) -> tuple[AstromerNetwork, int]:
    """Train on, write the result beside the output, and tell how many epochs that took."""
    network = start.build()
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
    probe = Probe(validation, 60 * options.minutes)
    history = train(network, mixture, None, settings, callbacks=[("probe", probe)])
    trained = weights.Checkpoint(network.config, network.state_dict(), {"epochs": len(history)})
    weights.write_checkpoint(options.output.with_suffix(".trained.safetensors"), trained)
    return network, len(history)


def model_card(
    options: argparse.Namespace,
    config: NetworkConfig,
    n_windows: int,
    share: float,
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
    mixture = ", ".join(f"{name} {count}" for name, count in MIXTURE.items())
    return f"""# {options.output.stem}

**Lineage.** Started from `{options.weights}` ({entry.description}; {entry.survey}, {entry.band}
band), and trained on by `examples/train_shipped_weights.py` for {n_windows:,} windows of up to
{config.window_size} observations. Half of the observations of each window were truly
hidden: their magnitudes were removed from the input, and they were no keys of the attention.

**Licence and citation.** The original weights: {entry.licence}, {entry.address}
(SHA-256 `{entry.sha256}`). {entry.citation}. These weights: MIT, as the package.

**Network.** {config.n_blocks} blocks, {config.embedding_size} components, base of the time encoding
{config.time_base:.0f}, attention to padding: `{config.attention}`.

**Data.** Light curves per epoch: {mixture}. ASAS V band; OGLE-III and OGLE-IV Cepheids of the LMC,
I band; CRTS field stars, clear; simulated variable stars at {", ".join(CADENCES)} cadence. Real
stars whose percent of id is under {UNSEEN_PERCENT} were never seen in training.

**Settings.** Adam, learning rate {options.learning_rate} with warm-up and cosine decay, batches of
{options.batch_size}, dropout {options.dropout}, anchor {options.anchor}, seed {options.seed};
decoder fitted first, and again in the end, by ridge regression. The trained weights count for
{share:.2f} and those from the start for {1 - share:.2f}: of such blends, the one with the least
error on hidden magnitudes of validation stars among those that kept their few-shot F1 to
{options.tolerance}.

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
