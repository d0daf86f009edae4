"""What pre-training reads, and what it keeps away from: real stars of three surveys, and simulated.

Of stars that a report will judge nothing is read, not even without labels: those of the seven
classes of ASAS whose id has a percent (see `percent_of_id`) below 80, and the Cepheids of OGLE
below 40. The others train, and the same stars of ASAS and OGLE validate with their labels. ASAS has
some stars twice, under ids a few arc seconds apart: what is within an arc minute of a star that
trains is in no report.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection
from dataclasses import astuple, dataclass, replace
from math import cos, radians, sin
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from few_shot_asas import ASAS_CLASSES, percent_of_id
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sklearn_astromer import LightCurves
from sklearn_astromer.atomic import write_bytes
from sklearn_astromer.datasets import CADENCES, VARIABLE_STAR_CLASSES, make_variable_stars
from sklearn_astromer.light_curves import Ephemerides
from sklearn_astromer.periods.ephemeris import find_ephemerides
from sklearn_astromer.windows import Observations, usable_observations

# Percents of ids below which stars are left to reports.
REPORT_PERCENT = {"asas": 80, "ogle3_cepheids": 40, "ogle4_cepheids": 40}
# How often each source is drawn, relative to the others.
WEIGHTS = {"asas": 2.0, "ogle3_cepheids": 0.7, "ogle4_cepheids": 0.7, "crts": 0.7, "simulated": 4.0}
CEPHEID_MODES = ("F", "1O")
CLASSES = {
    "asas": ASAS_CLASSES,
    "ogle3_cepheids": CEPHEID_MODES,
    "ogle4_cepheids": CEPHEID_MODES,
}
ARC_MINUTE = radians(1 / 60)
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
    """Read what trains of a survey."""
    source, trains = _read(folder, name)
    return source[trains]


def read_report_stars(folder: Path, name: str) -> Source:
    """Read the stars of a survey that judge, of the classes that are asked for."""
    source, trains = _read(folder, name)
    judges = ~trains & np.isin(source.label, CLASSES[name])
    if name == "asas":
        place = np.array([position_of_id(str(star)) for star in source.curves.ids])
        nearest = cKDTree(place[trains]).query(place)[0]
        judges &= nearest > ARC_MINUTE
    return source[judges]


def _read(folder: Path, name: str) -> tuple[Source, NDArray[np.bool_]]:
    """Read a survey, and tell which of its light curves train."""
    path = folder / f"{name}.parquet"
    curves = LightCurves.read_parquet(path, id="id")
    label = np.full(len(curves), "", dtype="U8")
    if "label" in pq.read_schema(path).names:
        label = np.array(pq.read_table(path, columns=["label"]).column(0).to_pylist(), dtype=str)
    percent = np.array([percent_of_id(str(star)) for star in curves.ids])
    trains = percent >= REPORT_PERCENT.get(name, 0)
    if name == "asas":
        trains |= ~np.isin(label, ASAS_CLASSES)
    return Source(name, curves, label), trains


def position_of_id(star: str) -> tuple[float, float, float]:
    """Tell where on the unit sphere a star of ASAS is, whose id is HHMMSS+DDMM.M."""
    hours = int(star[:2]) + int(star[2:4]) / 60 + int(star[4:6]) / 3600
    degrees = int(star[7:9]) + float(star[9:]) / 60
    longitude = radians(15 * hours)
    latitude = radians(-degrees if star[6] == "-" else degrees)
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


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
    sources: list[Source], without: Collection[str], device: torch.device, cache: Path
) -> Mixture:
    """Put sources together; the periods, whose search takes long, are kept in a file.

    Parameters
    ----------
    sources : list of Source
        All of them.
    without : collection of str
        Names of sources that are never drawn from.
    device : torch.device
        Where periods are searched.
    cache : Path
        The file.
    """
    curves = LightCurves.concatenate([source.curves for source in sources])
    names = np.concatenate([np.repeat(source.name, len(source.curves)) for source in sources])
    count = {name: int((names == name).sum()) for name in WEIGHTS}
    weight = np.array([0 if name in without else WEIGHTS[name] / count[name] for name in names])
    number = {name: place for place, name in enumerate(VARIABLE_STAR_CLASSES)}
    label = np.concatenate(
        [
            np.array([number[kind] for kind in source.label])
            if source.name == "simulated"
            else np.full(len(source.curves), NO_LABEL)
            for source in sources
        ]
    )
    return Mixture(with_periods(curves, device, cache), weight, label)


def with_periods(curves: LightCurves, device: torch.device, cache: Path) -> Observations:
    """Prepare light curves for networks; periods that were found before are read from a file."""
    observations = usable_observations(curves)
    content = [observations.time, observations.magnitude, observations.offsets]
    digest = hashlib.sha256(b"".join(part.tobytes() for part in content)).hexdigest()
    if cache.is_file():
        with np.load(cache) as kept:
            if str(kept["digest"]) != digest:
                raise SystemExit(f"{cache} is of other light curves; name another --run.")
            return replace(observations, ephemerides=Ephemerides(*kept["columns"]))
    # Whatever the network is told of them, its portraits show folded light curves.
    ephemerides = find_ephemerides(curves, device=device, verbose=1)
    stream = io.BytesIO()
    np.savez(stream, digest=digest, columns=np.stack(astuple(ephemerides)))
    write_bytes(cache, stream.getvalue())
    return replace(observations, ephemerides=ephemerides)


def probe_sets(sources: list[Source]) -> list[Source]:
    """Choose the stars whose labels tell how good an embedding is: none of a report."""
    chosen = []
    for source, classes in ((sources[0], ASAS_CLASSES), (sources[1], CEPHEID_MODES)):
        stars = [np.flatnonzero(source.label == kind)[:MOST_PROBE_STARS] for kind in classes]
        chosen.append(source[np.concatenate(stars)])
    return chosen
