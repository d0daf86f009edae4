"""Pre-train a network from scratch on real and simulated light curves; it can be stopped.

    python examples/pretrain.py --data ../shared/data --config folding --windows 1000000 \
        --run runs/folding

Every `--report` epochs a line tells windows per second, losses, and how well a logistic regression
on the embeddings tells classes from 20 labels each, on stars of the training side. A run that was
stopped, by `--minutes` or otherwise, goes on with the same command: to the same weights. One that
diverges stops with a warning and the best weights before. In the end, RUN/weights.safetensors holds
the network, for ``AstromerEmbedder(weights=...)``.

With several GPUs each process computes its share of every batch; the result is the same:

    torchrun --nproc-per-node=2 -- examples/pretrain.py --data ../shared/data ...
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from few_shot_asas import splits
from numpy.typing import NDArray
from pretraining_data import WEIGHTS, Source, all_sources, make_mixture, probe_sets, with_periods
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import __version__, weights
from sklearn_astromer.datasets import VARIABLE_STAR_CLASSES
from sklearn_astromer.network import AstromerNetwork, NetworkConfig
from sklearn_astromer.network.config import ARCHITECTURES
from sklearn_astromer.training import processes
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.curves import CurveRunner
from sklearn_astromer.training.devices import seeded
from sklearn_astromer.training.long_run import (
    LOSSES,
    KeepState,
    LongRunSettings,
    TellingNetwork,
    long_run_net,
    resume,
)
from sklearn_astromer.training.mixture import MixtureSettings, MixtureWindows
from sklearn_astromer.training.portraits import N_PORTRAIT, portraits
from sklearn_astromer.training.window_net import Diverged
from sklearn_astromer.windows import Observations

FOLDING = ARCHITECTURES["folding"]
CONFIGS = {
    "paper": replace(ARCHITECTURES["paper"], dropout=0.0),
    "folding": FOLDING,
    # One departure from the paper less, each.
    "no-cycles": replace(FOLDING, cycle_multiples=()),
    "no-residuals": replace(FOLDING, residual=False),
    "no-standardising": replace(FOLDING, standardised=False),
    "no-errors": replace(FOLDING, with_errors=False),
    "no-period-grid": replace(FOLDING, shortest_period=None, longest_period=None),
    "tiny": replace(FOLDING, embedding_size=16, n_blocks=1),
}


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with the parquet files")
    add("--run", type=Path, required=True, help="folder of the run; what is there goes on")
    add("--config", choices=sorted(CONFIGS), default="folding")
    add("--windows", type=int, default=1_000_000, help="of the whole run")
    add("--minutes", type=float, help="stop after so many, to go on another time")
    add("--batch-size", type=int, default=64, help="windows of a step, of all processes together")
    add("--steps-per-epoch", type=int, default=200)
    add("--report", type=int, default=10, help="epochs from one line to the next")
    add("--learning-rate", type=float, default=1e-3)
    add("--magnitude-weight", type=float, default=1.0, help="of hidden magnitudes")
    add("--label-weight", type=float, default=1.0, help="of the classes of simulated stars")
    add("--portrait-weight", type=float, default=1.0, help="of the portraits of whole curves")
    add("--simulated", type=int, default=400, help="stars of each class and cadence")
    add("--unlabelled", type=int, default=8000, help="light curves of CRTS")
    add("--device", default="auto")
    add("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    add("--seed", type=int, default=0)
    add(
        "--without", nargs="+", choices=sorted(WEIGHTS), default=[], help="sources never drawn from"
    )
    return parser.parse_args()


class Probe:
    """Tells how well labels can be learned from the embeddings of a network.

    Parameters
    ----------
    sources : list of Source
        Labelled stars.
    prepared : list of Observations
        What the network sees of them.
    options : argparse.Namespace
        Device and precision.
    """

    def __init__(
        self, sources: list[Source], prepared: list[Observations], options: argparse.Namespace
    ) -> None:
        self.sources, self.prepared, self.options = sources, prepared, options

    def __call__(self, network: AstromerNetwork) -> dict[str, float]:
        """Give the macro F1 of each source."""
        network.eval()
        scores = {
            source.name: few_shot(self._embed(network, observations, source), source.label)
            for source, observations in zip(self.sources, self.prepared, strict=True)
        }
        network.train()
        return scores

    def _embed(
        self, network: AstromerNetwork, observations: Observations, source: Source
    ) -> NDArray[np.float32]:
        runner = CurveRunner(
            network,
            observations,
            source.curves.offsets,
            device=self.options.device,
            precision=self.options.precision,
            batch_size=64,
            verbose=0,
        )
        return runner.embed("mean")


def few_shot(
    embedding: NDArray[np.float32], label: NDArray[np.str_], n_train: int = 20, n_splits: int = 10
) -> float:
    """Give the mean macro F1 of a logistic regression from few labels."""
    classes, counts = np.unique(label, return_counts=True)
    n_train = min(n_train, int(counts.min()) // 2)
    n_test = min(30, int(counts.min()) - n_train)
    scores = []
    for learn, judge in splits(label, classes.tolist(), n_train, n_test, n_splits):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=3000))
        predicted = model.fit(embedding[learn], label[learn]).predict(embedding[judge])
        scores.append(f1_score(label[judge], predicted, average="macro"))
    return float(np.mean(scores))


def main() -> None:
    options = parsed_options()
    options.device = processes.device_of_process(options.device)
    config = CONFIGS[options.config]
    options.run.mkdir(parents=True, exist_ok=True)
    sources = all_sources(options.data, options.simulated, options.unlabelled, options.seed)
    probed = probe_sets(sources)
    # The first process searches periods, and the others read them.
    with processes.first_before_others():
        if processes.is_first():
            for source in sources:
                print(f"  {source.name:16} {source.curves}")
        mixture = make_mixture(
            sources, options.without, options.device, options.run / "periods.npz"
        )
        prepared = [
            with_periods(source.curves, options.device, options.run / f"periods_{source.name}.npz")
            for source in probed
        ]
    probe = Probe(probed, prepared, options)
    # Of dropout; the weights are those of the first process.
    with seeded(options.device, options.seed + processes.rank()):
        network, end = train(config, mixture, probe, options)
    if not processes.is_first():
        return
    metadata = {
        "name": options.config,
        "trained_with": f"sklearn_astromer {__version__}, examples/pretrain.py",
        "ended": end,
        "settings": {name: str(value) for name, value in sorted(vars(options).items())},
    }
    path = options.run / "weights.safetensors"
    weights.write_checkpoint(path, weights.Checkpoint(config, network.state_dict(), metadata))
    print(f"wrote {path}")


def train(
    config: NetworkConfig, mixture: Any, probe: Probe, options: argparse.Namespace
) -> tuple[AstromerNetwork, str]:
    """Train, or go on, until all windows are seen or the time is up; and tell how it ended."""
    windows = MixtureWindows(
        DeviceObservations(mixture.observations, config, options.device),
        mixture.weight,
        mixture.label,
        portraits(mixture.observations),
        MixtureSettings(options.batch_size, options.steps_per_epoch, seed=options.seed),
    )
    module = TellingNetwork(AstromerNetwork(config), len(VARIABLE_STAR_CLASSES), N_PORTRAIT)
    n_epochs = -(-options.windows // (options.batch_size * options.steps_per_epoch))
    settings = LongRunSettings(
        n_epochs,
        options.device,
        learning_rate=options.learning_rate,
        magnitude_weight=options.magnitude_weight,
        label_weight=options.label_weight,
        portrait_weight=options.portrait_weight,
        precision=options.precision,
    )
    state = options.run / "state.safetensors"
    net = long_run_net(module, windows, settings, [("state", KeepState(state))])
    if state.is_file():
        resume(net, windows, state)
        if processes.is_first():
            print(f"going on after {len(net.history)} of {n_epochs} epochs", flush=True)
    begin = time.perf_counter()
    while len(net.history) < n_epochs:
        net.partial_fit(windows, None, epochs=1)
        done = len(net.history)
        if net.ended_by_ is Diverged:
            # A warning has told it; the network has the best weights before.
            return module.network.cpu().eval(), f"diverged in epoch {done} of {n_epochs}"
        up = options.minutes is not None and time.perf_counter() - begin > 60 * options.minutes
        up = processes.first_decides(up)
        if processes.is_first() and (done % options.report == 0 or done == n_epochs or up):
            report(net, probe, done * len(windows), options)
        if up:
            break
    return module.network.cpu().eval(), f"after epoch {len(net.history)} of {n_epochs}"


def report(net: Any, probe: Probe, n_windows: int, options: argparse.Namespace) -> None:
    """Print a line and add it to RUN/log.csv."""
    recent = net.history[-min(options.report, len(net.history)) :]
    seconds = sum(row["dur"] for row in recent)
    per_epoch = options.batch_size * options.steps_per_epoch
    row = {
        "windows": n_windows,
        "windows_per_second": round(len(recent) * per_epoch / seconds),
        **{
            name: round(float(np.mean([row[name] for row in recent])), 4)
            for name in ("train_loss", *LOSSES)
        },
        **{f"f1_{name}": round(value, 3) for name, value in probe(net.module_.network).items()},
    }
    print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    path = options.run / "log.csv"
    is_new = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    with processes.joined():
        main()
