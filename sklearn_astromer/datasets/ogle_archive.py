"""Variable stars of OGLE with their labels, from the public archive of the survey."""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.utils import Bunch

from sklearn_astromer.datasets.downloads import fetch_file
from sklearn_astromer.datasets.survey_files import (
    MISSING,
    OGLE_LAYOUT,
    Marks,
    Table,
    full_dates,
)
from sklearn_astromer.datasets.text_files import parse_columns, star_name, text_lines
from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.parameters import one_of
from sklearn_astromer.progress import progress_bar
from sklearn_astromer.settings import cache_folder

__all__ = ["OGLE_ADDRESS", "fetch_ogle_variables"]

OGLE_ADDRESS = "https://www.astrouw.edu.pl/ogle"
"""Where the archive of OGLE begins."""

SURVEYS = {"ogle4": "ogle4/OCVS", "ogle3": "ogle3/OIII-CVS"}
FIELDS = {
    "lmc": "the Large Magellanic Cloud",
    "smc": "the Small Magellanic Cloud",
    "blg": "the Galactic bulge",
    "gd": "the Galactic disk",
    "gal": "the Milky Way",
}
KINDS = {
    "acep": "anomalous Cepheids",
    "cep": "classical Cepheids",
    "dpv": "double periodic variables",
    "dsct": "delta Scuti stars",
    "ecl": "eclipsing and ellipsoidal binaries",
    "hb": "heartbeat stars",
    "lpv": "long-period variables",
    "rcb": "R Coronae Borealis stars",
    "rot": "rotating variables",
    "rrlyr": "RR Lyrae stars",
    "t2cep": "type II Cepheids",
}
BANDS = ("I", "V")
ARCHIVE_NAME = re.compile(r"\w[\w.-]*\.(tar|tgz|tar\.\w+)")

# Right ascension and declination, apart by colons or blanks, single digits perhaps after a blank.
COORDINATES = re.compile(
    r"(?<!\S)(?P<h>\d{1,2})[: ] ?(?P<m>\d{1,2})[: ] ?(?P<s>\d{1,2}\.\d+) +"
    r"(?P<sign>[+-]) ?(?P<deg>\d{1,2})[: ] ?(?P<min>\d{1,2})[: ] ?(?P<sec>\d{1,2}(?:\.\d+)?)(?!\S)"
)
# OGLE-III names its field (LMC103.1, LMC_SC5) and the star's number there before the type.
FIELD_OR_NUMBER = re.compile(r"-?\d+|[A-Z]+(\d+\.\d|_SC\d+)")

DESCRIPTION = """OGLE: {kinds} in {field} ({survey}, {band} band)

{n_curves} light curves of {address}/{folder}
Types, as OGLE gives them: {types}
Times: HJD in days. Magnitudes and errors: magnitudes of the {band} band.

{n_without_light_curve} stars of ident.dat have no light curve in this band and were left out
(without_light_curve). {n_without_label} light curves are of stars that are not in ident.dat and
were left out (without_label).

Those who use the data are asked to cite OGLE: Udalski et al. 2015, Acta Astron. 65, 1 for OGLE-IV,
Udalski et al. 2008, Acta Astron. 58, 69 for OGLE-III, and the paper that the README of the folder
names.
"""


def fetch_ogle_variables(
    kind: str = "cep",
    field: str = "lmc",
    *,
    survey: str = "ogle4",
    band: str = "I",
    photometry: str = "phot.tar.gz",
    data_home: str | PathLike[str] | None = None,
    address: str = OGLE_ADDRESS,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    verbose: int = 1,
) -> Any:
    """Download variable stars of OGLE: light curves and their types.

    Two files of the OGLE Collection of Variable Stars are downloaded, the list of the stars
    (``ident.dat``) and the archive of their light curves, which can have hundreds of megabytes.
    They stay in the cache folder, and the next call reads them there. A download that is cut off
    goes on where it stopped.

    Parameters
    ----------
    kind : str, default="cep"
        Kind of stars, by the name of the folder in the archive: "acep", "cep", "dsct", "ecl",
        "hb" (heartbeat stars), "lpv", "rot" (rotating), "rrlyr" or "t2cep"; of OGLE-III also
        "dpv" (double periodic) and "rcb". Not all fields have all of them.
    field : {"lmc", "smc", "blg", "gd", "gal"}, default="lmc"
        Magellanic Clouds, Galactic bulge and disk, or all of the Milky Way.
    survey : {"ogle4", "ogle3"}, default="ogle4"
        Collection of OGLE-IV or catalogue of OGLE-III. The same stars are in both: split by
        coordinates before you test on the one what has learned from the other.
    band : {"I", "V"}, default="I"
        Which band to read. Both come in one archive.
    photometry : str, default="phot.tar.gz"
        Name of the archive of the light curves. Some folders have several, such as
        "phot_ogle4.tar.gz" in ``blg/lpv``.
    data_home : path, default=None
        Where files are kept, below ``ogle``. By default this is the cache folder: what the
        environment variable ``SKLEARN_ASTROMER_HOME`` names, or else the place of this operating
        system.
    address : str, default=OGLE_ADDRESS
        Where the archive begins, for mirrors: https, or http on this machine.
    download_if_missing : bool, default=True
        Whether the network may be used.
    return_X_y : bool, default=False
        Whether to return ``data`` and ``target`` only.
    verbose : int, default=1
        0: no progress bars; see `sklearn_astromer.progress`.

    Returns
    -------
    stars : Bunch
        ``data``, LightCurves in the order of ident.dat, ``ids`` the names of the stars, times
        full HJD in days; ``target``, ndarray of str, the type of each, such as "F", "1O" or
        "RRab", or `kind` where OGLE gives none; ``target_names``, the types in order;
        ``coordinates``, ndarray of shape (n_stars, 2), right ascension and declination in degrees
        (J2000); ``without_light_curve`` and ``without_label``, names of the stars that were left
        out because the one or the other is missing; ``DESCR``, text.
    (data, target) : tuple
        If `return_X_y`.

    Raises
    ------
    LightCurveError, ParameterError
        If a name is unknown, or a file is damaged, cannot be read, or is not the one that came
        first.
    ConnectionError
        If a file is not in the cache folder and cannot be downloaded; the message tells how to do
        without a network.
    FileNotFoundError
        If a file is not in the cache folder and may not be downloaded.

    See Also
    --------
    read_ogle : Read files of OGLE that are here already.

    Notes
    -----
    OGLE publishes no hashes, and extends its files now and then. The first file that comes is
    trusted; its size and SHA-256 are noted beside it and checked each time it is used.

    Members of the archive are read where they are, none is unpacked to the disk. An archive with
    links or with names that lead out of its folder is refused.

    References
    ----------
    Udalski et al. 2015, Acta Astron. 65, 1 (OGLE-IV); Udalski et al. 2008, Acta Astron. 58, 69
    (OGLE-III); the collections: https://www.astrouw.edu.pl/ogle/ogle4/OCVS/.

    Examples
    --------
    >>> from sklearn_astromer.datasets import fetch_ogle_variables
    >>> stars = fetch_ogle_variables("rrlyr", "smc")  # doctest: +SKIP
    >>> stars.target_names  # doctest: +SKIP
    ['RRab', 'RRc', 'RRd', 'aRRd']
    """
    one_of("kind", kind, tuple(KINDS))
    one_of("field", field, tuple(FIELDS))
    one_of("survey", survey, tuple(SURVEYS))
    one_of("band", band, BANDS)
    if not ARCHIVE_NAME.fullmatch(photometry):
        raise ParameterError(
            f'photometry must be a name such as "phot.tar.gz", got {photometry!r}.'
        )
    folder = f"{SURVEYS[survey]}/{field}/{kind}"
    home = (cache_folder() if data_home is None else Path(data_home).expanduser()) / "ogle"
    ident_path, archive_path = (
        fetch_file(
            address,
            f"{folder}/{name}",
            home,
            download_if_missing=download_if_missing,
            verbose=verbose,
        )
        for name in ("ident.dat", photometry)
    )
    identified = _read_ident(ident_path, kind)
    curves = _read_archive(archive_path, band, verbose)
    stars = _joined(identified, curves)
    if len(stars.data) == 0:
        raise LightCurveError(
            f"{archive_path} has no light curve in the {band} band of these stars; choose another "
            "band."
        )
    stars.DESCR = DESCRIPTION.format(
        kinds=KINDS[kind],
        field=FIELDS[field],
        survey=survey.upper(),
        band=band,
        n_curves=len(stars.data),
        address=address,
        folder=folder,
        types=", ".join(stars.target_names),
        n_without_light_curve=len(stars.without_light_curve),
        n_without_label=len(stars.without_label),
    )
    return (stars.data, stars.target) if return_X_y else stars


class Identified(NamedTuple):
    """A star of ident.dat: its name, type, right ascension and declination in degrees."""

    name: str
    label: str
    ra: float
    dec: float


def _read_ident(path: Path, kind: str) -> list[Identified]:
    """Read the list of stars.

    The columns differ from folder to folder, but all have the name first and the type last before
    the coordinates, and these are easily recognised.
    """
    stars = []
    for number, line in enumerate(text_lines(path.read_bytes(), str(path)), start=1):
        if not line.strip():
            continue
        found = COORDINATES.search(line)
        if found is None:
            raise LightCurveError(
                f"{path}, line {number} has no coordinates: {line[:60]!r}. If the file is no list "
                f"of stars (but a login page, perhaps), remove it and {path.name}.json."
            )
        name, *words = line[: found.start()].split() or [""]
        types = [word for word in words if not FIELD_OR_NUMBER.fullmatch(word)]
        label = types[0] if types and types[0] != "-" else kind
        stars.append(Identified(name, label, *_degrees(found)))
    return stars


def _degrees(found: re.Match[str]) -> tuple[float, float]:
    hours = int(found["h"]) + int(found["m"]) / 60 + float(found["s"]) / 3600
    degrees = int(found["deg"]) + int(found["min"]) / 60 + float(found["sec"]) / 3600
    return 15.0 * hours, -degrees if found["sign"] == "-" else degrees


def _read_archive(path: Path, band: str, verbose: int) -> dict[str, npt.NDArray[np.float64]]:
    """Read the light curves of one band: time, magnitude and error for each star."""
    members = _members(path, band)
    curves = {}
    for name, content in progress_bar(members, desc=path.name, unit="curve", verbose=verbose):
        where = f"{path}: {name}"
        values = parse_columns(text_lines(content, where), OGLE_LAYOUT, where)
        curves[star_name(PurePosixPath(name).name)] = values
    return curves


def _members(path: Path, band: str) -> Iterator[tuple[str, bytes]]:
    """Give names and contents of the files in the folders of one band."""
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if (
                    name.is_absolute()
                    or ".." in name.parts
                    or not (member.isreg() or member.isdir())
                ):
                    raise LightCurveError(
                        f"{path} is refused: its member {member.name!r} is a link, or leads out "
                        "of the archive. OGLE's files do not have such members."
                    )
                file = archive.extractfile(member)
                if file is not None and name.parent.name == band and name.suffix in (".dat", ".gz"):
                    yield member.name, file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as problem:
        # What tarfile says of all the kinds of compression it tried stands in further lines.
        why = str(problem).partition(":\n")[0]
        raise LightCurveError(
            f"{path} is damaged or no archive ({why}). Remove it and {path.name}.json, and call "
            "again."
        ) from problem


def _joined(identified: list[Identified], curves: dict[str, npt.NDArray[np.float64]]) -> Bunch:
    """Bring stars and light curves together, in the order of the stars."""
    known = {name for name, values in curves.items() if len(values)}
    kept = [star for star in identified if star.name in known]
    values = [curves[star.name] for star in kept]
    table = Table(
        [star.name for star in kept],
        np.concatenate([np.empty((0, 3)), *values]),
        [len(one) for one in values],
    )
    data: LightCurves = table.light_curves(Marks.of(MISSING), time=full_dates(table.time))
    target = np.array([star.label for star in kept], dtype=np.str_)
    return Bunch(
        data=data,
        target=target,
        target_names=sorted(set(target.tolist())),
        coordinates=np.array([[star.ra, star.dec] for star in kept], dtype=np.float64),
        without_light_curve=[star.name for star in identified if star.name not in known],
        without_label=sorted(known - {star.name for star in identified}),
    )
