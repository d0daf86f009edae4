"""The weights that are known by name."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from sklearn_astromer.errors import WeightsError
from sklearn_astromer.network import AttentionConvention

DEFAULT_WEIGHTS = "variables"
BUNDLED_FOLDER = Path(__file__).resolve().parent / "files"

_REPOSITORY = "https://github.com/astromer-science/weights/raw"
_FIRST_COMMIT = "3bf2237a1a225c0addf00bed2769f338a008d56f"
_CLEAN_COMMIT = "0184cbad02e79476a808e888bcc3a68047791056"
_PAPER = (
    "Donoso-Oliva, C., Becker, I., Protopapas, P., et al. 2023, "
    "ASTROMER: A transformer-based embedding for the representation of light curves, "
    "A&A 670, A54, doi:10.1051/0004-6361/202243928"
)


@dataclass(frozen=True)
class WeightsEntry:
    """What is known of weights before they are loaded.

    Parameters
    ----------
    name : str
        Name for `load` and for ``AstromerEmbedder(weights=...)``.
    description : str
        One line.
    survey, band : str
        What the original was trained on.
    n_blocks, embedding_size : int
        Attention blocks, and length of an embedding.
    attention : {"exclude", "additive"}
        The convention with which these weights work best.
    licence, citation : str
        Of the original weights.
    address : str or None
        Where the original file is, pinned to a commit; None for weights that ship.
    sha256 : str or None
        Hash of the original file; None for weights that ship.
    file : str or None
        Name of the file inside the package; None for weights to download.
    """

    name: str
    description: str
    survey: str
    band: str
    n_blocks: int
    embedding_size: int
    attention: AttentionConvention
    licence: str
    citation: str
    address: str | None = None
    sha256: str | None = None
    file: str | None = None

    @property
    def ships(self) -> bool:
        """Whether the weights are inside the package, so that no network is needed."""
        return self.file is not None

    @property
    def path(self) -> Path | None:
        """Path of the file inside the package; None for weights to download."""
        return None if self.file is None else BUNDLED_FOLDER / self.file

    @property
    def download_name(self) -> str:
        """Name of the original file, under which it lies in the cache folder."""
        if self.address is None:
            raise WeightsError(
                f"The weights {self.name!r} ship in the package: nothing to download."
            )
        return self.address.rsplit("/", 1)[-1]


class WeightsTable(Sequence[WeightsEntry]):
    """Weights that are known by name; prints as a table.

    Parameters
    ----------
    entries : sequence of WeightsEntry
        Rows of the table.

    Examples
    --------
    >>> from sklearn_astromer import weights
    >>> weights.available().names
    ['variables', 'macho', 'atlas', 'variables-paper', 'macho-official', 'atlas-official',
     'macho-clean-official']
    >>> weights.available()["atlas"].survey
    'ATLAS'
    """

    def __init__(self, entries: Sequence[WeightsEntry]) -> None:
        self._entries = tuple(entries)

    @property
    def names(self) -> list[str]:
        """Names of all weights."""
        return [entry.name for entry in self._entries]

    @overload
    def __getitem__(self, key: int | str) -> WeightsEntry: ...

    @overload
    def __getitem__(self, key: slice) -> WeightsTable: ...

    def __getitem__(self, key: int | str | slice) -> WeightsEntry | WeightsTable:
        """Give an entry by position or name, or a part of the table by a slice."""
        if isinstance(key, slice):
            return WeightsTable(self._entries[key])
        if isinstance(key, str):
            for entry in self._entries:
                if entry.name == key:
                    return entry
            raise KeyError(f"There are no weights {key!r}; there are {', '.join(self.names)}.")
        return self._entries[key]

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries or key in self.names

    def __repr__(self) -> str:
        rows = [_COLUMNS, *map(_cells, self._entries)]
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    def _repr_html_(self) -> str:
        def row(cells: Sequence[str], tag: str) -> str:
            joined = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
            return f"<tr>{joined}</tr>"

        body = "".join(row(_cells(entry), "td") for entry in self._entries)
        return f"<table><thead>{row(_COLUMNS, 'th')}</thead><tbody>{body}</tbody></table>"


_COLUMNS = (
    "name",
    "where",
    "survey",
    "band",
    "blocks x size",
    "attention",
    "licence",
    "description",
)


def _cells(entry: WeightsEntry) -> tuple[str, ...]:
    return (
        entry.name,
        "ships" if entry.ships else "download",
        entry.survey,
        entry.band,
        f"{entry.n_blocks} x {entry.embedding_size}",
        entry.attention,
        entry.licence,
        entry.description,
    )


_REGISTRY = WeightsTable(
    [
        WeightsEntry(
            name="variables",
            description="folds on the best period; trained from scratch, better than features",
            survey="ASAS, OGLE, CRTS, simulated",
            band="V, I",
            n_blocks=3,
            embedding_size=128,
            attention="exclude",
            licence="MIT",
            citation=f"{_PAPER}; and this package",
            file="variables.safetensors",
        ),
        WeightsEntry(
            name="macho",
            description="authors' MACHO weights, trained on with truly hidden magnitudes",
            survey="MACHO",
            band="R",
            n_blocks=2,
            embedding_size=256,
            attention="exclude",
            licence="MIT",
            citation=_PAPER,
            file="macho.safetensors",
        ),
        WeightsEntry(
            name="atlas",
            description="authors' ATLAS weights, trained on with truly hidden magnitudes",
            survey="ATLAS",
            band="o",
            n_blocks=2,
            embedding_size=256,
            attention="additive",
            licence="MIT",
            citation=_PAPER,
            file="atlas.safetensors",
        ),
        WeightsEntry(
            name="variables-paper",
            description="paper's network, trained from scratch as variables was: to compare with",
            survey="ASAS, OGLE, CRTS, simulated",
            band="V, I",
            n_blocks=2,
            embedding_size=256,
            attention="exclude",
            licence="MIT",
            citation=f"{_PAPER}; and this package",
            file="variables-paper.safetensors",
        ),
        WeightsEntry(
            name="macho-official",
            description="the paper's model, as its authors released it",
            survey="MACHO",
            band="R",
            n_blocks=2,
            embedding_size=256,
            attention="exclude",
            licence="MIT",
            citation=_PAPER,
            address=f"{_REPOSITORY}/{_FIRST_COMMIT}/macho.zip",
            sha256="76a204a37a0d47bfd722477f55231624c0c56cf9eea3369b5f22ff445d95158b",
        ),
        WeightsEntry(
            name="atlas-official",
            description="the paper's model fine-tuned on ATLAS, as its authors released it",
            survey="ATLAS",
            band="o",
            n_blocks=2,
            embedding_size=256,
            attention="additive",
            licence="MIT",
            citation=_PAPER,
            address=f"{_REPOSITORY}/{_FIRST_COMMIT}/atlas.zip",
            sha256="ea4c4dae7407554dd6f2dd3c4b5eb0faac83b07b2022786a0c307002c4c643d6",
        ),
        WeightsEntry(
            name="macho-clean-official",
            description="the authors' later one-block model on cleaned MACHO light curves",
            survey="MACHO",
            band="R",
            n_blocks=1,
            embedding_size=256,
            attention="exclude",
            licence="MIT",
            citation=_PAPER,
            address=f"{_REPOSITORY}/{_CLEAN_COMMIT}/macho_clean.zip",
            sha256="6057a0b5c6fb36c0099a9965bf0c69a485921925c277cd63328447c2155f2f61",
        ),
    ]
)


def available() -> WeightsTable:
    """List the weights that are known by name.

    Returns
    -------
    table : WeightsTable
        A sequence of `WeightsEntry` that prints as a table; ``table["macho"]`` is one entry,
        ``table.names`` a list of all names.

    Examples
    --------
    >>> from sklearn_astromer import weights
    >>> len(weights.available())
    7
    """
    return _REGISTRY
