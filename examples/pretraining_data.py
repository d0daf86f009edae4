"""What pre-training reads, and what it keeps away from: real stars of three surveys, and simulated.

Of stars that a report will judge nothing is read, not even without labels: those of the seven
classes of ASAS whose id has a percent (see `percent_of_id`) below 80, and the Cepheids of OGLE
below 40. The others train, and the same stars of ASAS and OGLE validate with their labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from few_shot_asas import ASAS_CLASSES, percent_of_id
from numpy.typing import NDArray

from sklearn_astromer import LightCurves
from sklearn_astromer.datasets import CADENCES, VARIABLE_STAR_CLASSES, make_variable_stars
from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.preparation import observations_for
from sklearn_astromer.windows import Ephemerides, Observations

# Percents of ids below which stars are left to reports.
REPORT_PERCENT = {"asas": 80, "ogle3_cepheids": 40, "ogle4_cepheids": 40}
# How often each source is drawn, relative to the others.
WEIGHTS = {"asas": 2.0, "ogle3_cepheids": 0.7, "ogle4_cepheids": 0.7, "crts": 0.7, "simulated": 4.0}
CEPHEID_MODES = ("F", "1O")
MOST_PROBE_STARS = 90
NO_LABEL = -1


@dataclass(frozen=True)
class Source:
    """Light curves of one source.

    Parameters
    ----------
    name : str
        Of the survey.
    curves : LightCurves
        The light curves.
    label : ndarray of str
        Their classes; empty where not known.
    """

    name: str
    curves: LightCurves
    label: NDArray[np.str_]

    def __getitem__(self, chosen: NDArray) -> Source:
        return Source(self.name, self.curves[chosen], self.label[chosen])


def read_source(folder: Path, name: str) -> Source:
    """Read a survey, without the stars of reports."""
    path = folder / f"{name}.parquet"
    curves = LightCurves.read_parquet(path, id="id")
    label = np.full(len(curves), "", dtype="U8")
    if "label" in pq.read_schema(path).names:
        label = np.array(pq.read_table(path, columns=["label"]).column(0).to_pylist(), dtype=str)
    percent = np.array([percent_of_id(str(star)) for star in curves.ids])
    allowed = percent >= REPORT_PERCENT.get(name, 0)
    if name == "asas":
        allowed |= ~np.isin(label, ASAS_CLASSES)
    return Source(name, curves, label)[allowed]


def all_sources(folder: Path, n_simulated: int, n_unlabelled: int, seed: int) -> list[Source]:
    """Read all surveys, and simulate stars at all cadences.

    Parameters
    ----------
    folder : Path
        With the parquet files.
    n_simulated : int
        Stars of each class and cadence.
    n_unlabelled : int
        Most light curves of CRTS.
    seed : int
        Of the simulation.
    """
    sources = [read_source(folder, name) for name in REPORT_PERCENT]
    crts = read_source(folder, "crts_unlabeled_0")
    sources.append(Source("crts", crts.curves[:n_unlabelled], crts.label[:n_unlabelled]))
    for number, cadence in enumerate(sorted(CADENCES)):
        stars = make_variable_stars(n_simulated, cadence=cadence, random_state=seed + number)
        sources.append(Source("simulated", *stars))
    return sources


@dataclass(frozen=True)
class Mixture:
    """All that is drawn from, with how often and which class.

    Parameters
    ----------
    observations : Observations
        Of all curves.
    weight : ndarray of float64, shape (n_curves,)
        How often each curve is drawn.
    label : ndarray of int64, shape (n_curves,)
        Number of the class of simulated curves, -1 of others.
    """

    observations: Observations
    weight: NDArray[np.float64]
    label: NDArray[np.int64]


def make_mixture(
    sources: list[Source], config: NetworkConfig, device: torch.device, cache: Path
) -> Mixture:
    """Put sources together; the periods, whose search takes long, are kept in a folder."""
    curves = LightCurves.concatenate([source.curves for source in sources])
    names = np.concatenate([np.repeat(source.name, len(source.curves)) for source in sources])
    count = {name: int((names == name).sum()) for name in WEIGHTS}
    weight = np.array([WEIGHTS[name] / count[name] for name in names])
    number = {name: place for place, name in enumerate(VARIABLE_STAR_CLASSES)}
    label = np.concatenate(
        [
            np.array([number[kind] for kind in source.label])
            if source.name == "simulated"
            else np.full(len(source.curves), NO_LABEL)
            for source in sources
        ]
    )
    return Mixture(with_periods(curves, config, device, cache), weight, label)


def with_periods(
    curves: LightCurves, config: NetworkConfig, device: torch.device, cache: Path
) -> Observations:
    """Prepare light curves for a network; periods that were found before are read from a file."""
    if not config.needs_ephemerides:
        return observations_for(config, curves, device=device)
    if cache.is_file():
        columns = np.load(cache)
        if columns.shape == (6, len(curves)):
            bare = observations_for(NetworkConfig(), curves, device=device)
            return Observations(
                bare.time,
                bare.magnitude,
                bare.offsets,
                bare.position,
                bare.error,
                Ephemerides(*columns),
            )
        raise SystemExit(f"{cache} is of other light curves; remove it, or name another --run.")
    observations = observations_for(config, curves, device=device, verbose=1)
    assert observations.ephemerides is not None
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.save(cache, np.stack(list(vars(observations.ephemerides).values())))
    return observations


def probe_sets(sources: list[Source]) -> list[Source]:
    """Choose the stars whose labels tell how good an embedding is: none of a report."""
    chosen = []
    for source, classes in ((sources[0], ASAS_CLASSES), (sources[1], CEPHEID_MODES)):
        stars = [np.flatnonzero(source.label == kind)[:MOST_PROBE_STARS] for kind in classes]
        chosen.append(source[np.concatenate(stars)])
    return chosen
