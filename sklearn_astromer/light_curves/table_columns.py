"""Which columns of a table hold the light curves, and their way out of Arrow's memory into numpy.

Nothing here loops over curves: the flat values and the lengths of a column of lists are taken as
Arrow keeps them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sklearn_astromer.errors import LightCurveError

# Spellings of surveys and packages, lower case and without anything but letters and digits.
USUAL_NAMES = {
    "time": (
        *("time", "times", "t", "obstime", "mjd", "hmjd", "hjd", "bjd", "jd", "btjd"),
        *("obsmjd", "mjdobs", "midpointmjdtai", "midpointtai"),
    ),
    "magnitude": ("magnitude", "magnitudes", "mag", "mags", "m", "psfmag", "magpsf"),
    "error": (
        *("error", "errors", "err", "e", "sigma", "magerr", "magerror", "magnitudeerror", "emag"),
        *("merr", "magsigma", "sigmamag", "sigmapsf", "psfmagerr"),
    ),
    "id": (
        *("id", "objectid", "objid", "oid", "sourceid", "starid", "diaobjectid", "lightcurveid"),
        "name",
    ),
    "flux": ("flux", "fluxes", "psfflux"),
    "flux error": (
        *("fluxerr", "fluxerror", "fluxsigma", "sigmaflux", "eflux", "fluxuncertainty"),
        "psffluxerr",
    ),
    "band": ("band", "bands", "bandpass", "passband", "filter", "filters", "filt", "fid"),
}
# What is said of columns of times that are no numbers.
DATES = (
    "dates; convert them to days, as MJD for example: "
    "(dates - np.datetime64('1858-11-17')) / np.timedelta64(1, 'D')"
)
DURATIONS = "time differences; convert them to days: differences / np.timedelta64(1, 'D')"
# What the argument that names a column is called, where not as its role.
ARGUMENTS = {"band": "band_column", "flux error": "flux_error"}


class GivenNames(NamedTuple):
    """Names of columns that are given by the user rather than found."""

    time: str | None = None
    magnitude: str | None = None
    error: str | None = None
    id: str | None = None
    nested: str | None = None
    band: str | None = None


class CurveColumns(NamedTuple):
    """Names of the columns or, inside `nested`, of the fields that hold light curves."""

    time: str
    magnitude: str
    error: str | None
    id: str | None
    nested: str | None
    # The band of each observation, beside the time, or of each light curve, in a plain column.
    band: str | None
    band_of_curve: str | None

    @property
    def fields(self) -> list[str]:
        """Names of the columns or fields of numbers, one for each observation."""
        return [name for name in (self.time, self.magnitude, self.error) if name is not None]


class ListColumn(NamedTuple):
    """One column of lists: the length of each list, and the values of all of them in chunks."""

    name: str
    lengths: npt.NDArray[np.int64]
    chunks: list[Any]


def usually_called(role: str, names: Iterable[str]) -> list[str]:
    """Return those names that are a usual spelling for a role (``"time"``, ``"id"``, ...)."""
    return [name for name in names if re.sub("[^a-z0-9]", "", name.lower()) in USUAL_NAMES[role]]


def one_column(role: str, given: str | None, names: Sequence[str], *, required: bool) -> str | None:
    """Find the column of a role where every column is plain.

    Parameters
    ----------
    role : str
        ``"time"``, ``"magnitude"``, ...
    given : str or None
        Its name, if the user gives it.
    names : sequence of str
        All columns.
    required : bool
        Whether it is an error that there is none.

    Raises
    ------
    LightCurveError
        If the name is not there, several columns may be meant, or a required one is missing.
    """
    known = f"The columns are: {', '.join(map(repr, names))}."
    if given is not None:
        if given not in names:
            raise LightCurveError(
                f"there is no column {given!r}.{close_match(given, names)} {known}"
            )
        return given
    candidates = usually_called(role, names)
    argument = ARGUMENTS.get(role, role)
    if len(candidates) > 1:
        raise LightCurveError(
            f"several columns may be the {role}: {', '.join(map(repr, candidates))}. Choose one, "
            f"for example {argument}={candidates[0]!r}."
        )
    if required and not candidates:
        one_star = " If all rows are of one star, give it one: table.assign(id='star')."
        raise LightCurveError(
            f"no column of the {role} was recognised; name it: {argument}=..."
            f"{one_star if role == 'id' else ''} {known}"
        )
    return candidates[0] if candidates else None


def looks_long(names: Sequence[str]) -> bool:
    """Tell whether columns of numbers with these names are times and magnitudes, one row each."""
    # One letter is too little: columns may just be called a to z.
    words = [name for name in names if len(name) > 1]
    return bool(usually_called("time", words) and usually_called("magnitude", words))


def close_match(name: str, names: Sequence[str]) -> str:
    """Return a question for an error message, or nothing where no name is close."""
    close = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def is_list(arrow_type: Any) -> bool:
    """Tell whether an Arrow type is one of its five kinds of lists."""
    import pyarrow as pa

    return bool(
        pa.types.is_list(arrow_type)
        or pa.types.is_large_list(arrow_type)
        or pa.types.is_fixed_size_list(arrow_type)
        or pa.types.is_list_view(arrow_type)
        or pa.types.is_large_list_view(arrow_type)
    )


def _sources(schema: Any) -> dict[str | None, list[str]]:
    # Where observations may be: the columns of lists together (None), and each nested column.
    import pyarrow as pa

    sources: dict[str | None, list[str]] = {None: []}
    for column in schema:
        if is_list(column.type) and pa.types.is_struct(column.type.value_type):
            sources[column.name] = [field.name for field in column.type.value_type]
        elif is_list(column.type):
            sources[None].append(column.name)
        elif pa.types.is_struct(column.type) and any(is_list(field.type) for field in column.type):
            sources[column.name] = [field.name for field in column.type if is_list(field.type)]
    return sources


def choose_columns(schema: Any, names: GivenNames, *, band_needed: bool = False) -> CurveColumns:
    """Find the columns of time, magnitude, error, id and band in the schema of a table.

    Parameters
    ----------
    schema : pyarrow.Schema
        One row of the table is one light curve.
    names : GivenNames
        Names that are given rather than found.
    band_needed : bool, default=False
        Whether it is an error that there is no column of bands, or several.

    Raises
    ------
    LightCurveError
        If a name is missing, or nothing, or more than one thing, can be meant.
    """
    given = {"time": names.time, "magnitude": names.magnitude, "error": names.error}
    sources = _sources(schema)
    columns = list(schema.names)
    if names.nested is not None:
        if names.nested not in sources:
            raise LightCurveError(
                f"there is no nested column {names.nested!r}.{close_match(names.nested, columns)} "
                f"{_inventory(sources, columns)}"
            )
        sources = {names.nested: sources[names.nested]}
    found = {
        source: {
            role: [name for name in fields if name == given[role]]
            if given[role] is not None
            else usually_called(role, fields)
            for role in given
        }
        for source, fields in sources.items()
    }
    required = [role for role in given if role != "error" or names.error is not None]
    fitting = [source for source, roles in found.items() if all(roles[r] for r in required)]
    if not fitting:
        raise LightCurveError(_nothing_fits(given, sources, columns))
    if len(fitting) > 1:
        raise LightCurveError(
            "the light curves may be in any of several places: "
            f"{', '.join(_place(source) for source in fitting)}. Choose one with nested=..., or "
            f"name the columns: time=..., magnitude=... {_inventory(sources, columns)}"
        )
    roles = found[fitting[0]]
    for role, candidates in roles.items():
        if len(candidates) > 1:
            raise LightCurveError(
                f"several columns may be the {role}: {', '.join(map(repr, candidates))}. Choose "
                f"one, for example LightCurves.from_table(X, {role}={candidates[0]!r})."
            )
    return CurveColumns(
        roles["time"][0],
        roles["magnitude"][0],
        roles["error"][0] if roles["error"] else None,
        _id_column(schema, names.id),
        fitting[0],
        *_band_columns(schema, names.band, sources[fitting[0]], needed=band_needed),
    )


def _band_columns(
    schema: Any, given: str | None, fields: Sequence[str], *, needed: bool
) -> tuple[str | None, str | None]:
    # The band of each observation or, where there is none, of each light curve.
    if given in fields or (given is None and (usually_called("band", fields) or not needed)):
        return observed_band(given, fields, needed=needed), None
    plain = [column.name for column in schema if column.type.num_fields == 0]
    name = one_column("band", given, [*fields, *plain], required=True)
    return None, name


def observed_band(given: str | None, names: Sequence[str], *, needed: bool) -> str | None:
    """Find the column of bands; only where bands are needed, it matters that there is just one."""
    if given is None and not needed:
        return next(iter(usually_called("band", names)), None)
    return one_column("band", given, names, required=True)


def _id_column(schema: Any, given: str | None) -> str | None:
    if given is not None:
        if given not in schema.names:
            raise LightCurveError(
                f"there is no column {given!r}.{close_match(given, schema.names)} The columns "
                f"are: {', '.join(map(repr, schema.names))}."
            )
        return given
    plain = [column.name for column in schema if column.type.num_fields == 0]
    candidates = usually_called("id", plain)
    # Ids are a convenience, so that several of them are no reason to stop: the plainest name wins.
    spelling = [re.sub("[^a-z0-9]", "", name.lower()) for name in candidates]
    ranks = [USUAL_NAMES["id"].index(name) for name in spelling]
    return candidates[int(np.argmin(ranks))] if candidates else None


def _place(source: str | None) -> str:
    return "columns of lists" if source is None else f"nested column {source!r}"


def _inventory(sources: dict[str | None, list[str]], names: Sequence[str]) -> str:
    parts = [
        f"{_place(source)}: {', '.join(map(repr, fields))}"
        for source, fields in sources.items()
        if fields
    ]
    return f"There are {'; '.join(parts) or 'no columns of lists'} (all columns: {list(names)})."


def _nothing_fits(
    given: dict[str, str | None], sources: dict[str | None, list[str]], names: Sequence[str]
) -> str:
    fields = [name for part in sources.values() for name in part]
    inventory = _inventory(sources, names)
    if not fields and len(usually_called("time", names)):
        return (
            "this table has no column of lists; if each row is one observation, use "
            "LightCurves.from_long(table, id=..., time=..., magnitude=...); if all are of one "
            f"star, give it an id first: table.assign(id='star'). {inventory}"
        )
    for role, name in given.items():
        if name is not None and name not in fields:
            why = "does not hold lists" if name in names else "does not exist"
            return f"the column {name!r} ({role}) {why}.{close_match(name, fields)} {inventory}"
    message = (
        f"no columns of time and magnitude were recognised. {inventory} Name them: "
        "LightCurves.from_table(X, time=..., magnitude=..., error=...)."
    )
    if any("flux" in name.lower() for name in fields):
        message += " Fluxes must be converted to magnitudes first."
    return message


def list_column(column: Any, name: str, nested: bool) -> ListColumn:
    """Take a column of lists, or a field of a nested column, apart.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
    name : str
        Name of the column or, if nested, of the field.
    nested : bool
        Whether it is one field of a list of structs or of a struct of lists.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths, chunks = [np.zeros(0, np.int64)], []
    for chunk in column.chunks:
        if nested and pa.types.is_struct(chunk.type):
            # Unlike StructArray.field, this keeps to the slice and to the rows that are null.
            chunk = pc.struct_field(chunk, [name])
        lengths.append(pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False))
        # Keeps to the slice, and leaves out what stands under a null list.
        values = chunk.flatten()
        if nested and pa.types.is_struct(values.type):
            values = pc.struct_field(values, [name])
        chunks.append(values)
    return ListColumn(name, np.concatenate(lengths).astype(np.int64), chunks)


def flat_numbers(chunks: Sequence[Any], dtype: Any, name: str) -> npt.NDArray[Any]:
    """Join Arrow arrays of numbers; null becomes NaN. A single array of `dtype` is not copied."""
    parts = [_numbers(chunk, name) for chunk in chunks]
    # What float32 cannot hold becomes infinite here, and is refused by name later.
    with np.errstate(over="ignore"):
        if len(parts) == 1:
            return np.asarray(parts[0], dtype=dtype)
        joined = np.empty(sum(map(len, parts)), dtype)
        start = 0
        for part in parts:
            joined[start : start + len(part)] = part
            start += len(part)
    return joined


def _numbers(values: Any, name: str) -> npt.NDArray[Any]:
    import pyarrow as pa

    kind = values.type
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        values = values.cast(pa.float64())
    elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        held = f"values of type {kind}; give numbers"
        if pa.types.is_temporal(kind):
            held = DURATIONS if pa.types.is_duration(kind) else DATES
        elif is_list(kind):
            held = (
                f"values of type {kind}; a table with one row per light curve is read by "
                "LightCurves.from_table"
            )
        raise TypeError(f"column {name!r}: holds {held}.")
    return np.asarray(values.to_numpy(zero_copy_only=False))


def ids_of(column: Any, name: str) -> npt.NDArray[Any]:
    """Return a column of ids as a numpy array; none may be missing."""
    refuse_missing_ids(column, name)
    return np.asarray(plain_values(column).to_numpy())


def plain_values(column: Any) -> Any:
    """Return a column without its dictionary (that of a pandas ``category``, for example)."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return column
    kind = column.type.value_type
    if pa.types.is_string_view(kind):
        # Polars keeps text so; Arrow cannot yet pick rows of it.
        kind = pa.large_string()
    chunks = [chunk.dictionary.cast(kind).take(chunk.indices) for chunk in column.chunks]
    return pa.chunked_array(chunks, kind)


def refuse_missing_ids(column: Any, name: str) -> None:
    """Raise a LightCurveError that names the first row without an id."""
    import pyarrow.compute as pc

    missing = pc.is_null(column, nan_is_null=True)
    if pc.any(missing).as_py():
        row = int(np.argmax(missing.to_numpy()))
        told = f"column {name!r}: row {row} has no id; give it one or leave the row out."
        raise LightCurveError(told)
