"""What has to be known of a network before its weights make sense."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

AttentionConvention = Literal["exclude", "additive"]

# Parameters that the paper's network does not have.
DEPARTURES = (
    "residual",
    "standardised",
    "with_errors",
    "shortest_period",
    "longest_period",
    "cycle_multiples",
)


@dataclass(frozen=True)
class NetworkConfig:
    """Shape and conventions of an ASTROMER network.

    The defaults are those of the paper (Donoso-Oliva et al. 2023, A&A 670, A54, Sects. 3.2 and 4.2;
    the feed-forward width of 128 and the dropout of 0.1 are those of the authors' released files).
    From `residual` on, each parameter is one departure from the paper, independent of the others.

    Parameters
    ----------
    embedding_size : int, default=256
        Length of the vector of each observation.
    n_blocks : int, default=2
        Number of attention blocks.
    n_heads : int, default=4
        Attention heads per block; must divide `embedding_size`.
    feedforward_size : int, default=128
        Width of the layer between the two linear maps of a block.
    window_size : int, default=200
        Largest number of observations that the network sees at once.
    dropout : float, default=0.1
        Share of activations dropped in training.
    time_base : float, default=1000.0
        Base of the angular frequencies of the time encoding, Eq. (4) of the paper.
    attention : {"exclude", "additive"}, default="exclude"
        What padding does in the attention. "exclude": it is never a key (Eq. 6 of the paper).
        "additive": one is added to the logit of each pair of which the query or the key is padding,
        and a window always has `window_size` positions, as in the authors' library.
    residual : bool, default=False
        Whether each half of a block adds to its input what it makes of it after a LayerNorm (Xiong
        et al. 2020, ICML), with GELU in place of tanh.
    standardised : bool, default=False
        Whether magnitudes count from the mean of the visible ones of the window, in units of their
        standard deviation, whose logarithm is an input of its own.
    with_errors : bool, default=False
        Whether the errors of visible magnitudes are an input.
    shortest_period, longest_period : float or None, default=None
        Given (in days), times enter as sines and cosines of periods between the two, through a
        learned map, in place of Eq. (4) of the paper.
    cycle_multiples : tuple of float, default=()
        Given, the phase of each observation in its star's best period enters as sines and cosines
        of these multiples of the cycle; with it enter the period itself and how sure it is.

    Raises
    ------
    ValueError
        If a size is not positive, the heads do not divide the embedding, or a choice is unknown.
    """

    embedding_size: int = 256
    n_blocks: int = 2
    n_heads: int = 4
    feedforward_size: int = 128
    window_size: int = 200
    dropout: float = 0.1
    time_base: float = 1000.0
    attention: AttentionConvention = "exclude"
    residual: bool = False
    standardised: bool = False
    with_errors: bool = False
    shortest_period: float | None = None
    longest_period: float | None = None
    cycle_multiples: tuple[float, ...] = ()

    @property
    def needs_ephemerides(self) -> bool:
        """Whether the best period of each light curve has to be searched."""
        return bool(self.cycle_multiples)

    def __post_init__(self) -> None:
        for name in ("embedding_size", "n_blocks", "n_heads", "feedforward_size", "window_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}.")
        if self.embedding_size % self.n_heads:
            raise ValueError(
                f"embedding_size ({self.embedding_size}) must be a multiple of n_heads "
                f"({self.n_heads}): each head gets an equal share of the embedding."
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout!r}.")
        if not self.time_base > 1:
            raise ValueError(f"time_base must be greater than 1, got {self.time_base!r}.")
        if self.attention not in get_args(AttentionConvention):
            raise ValueError(f'attention must be "exclude" or "additive", got {self.attention!r}.')
        self._check_departures()

    def _check_departures(self) -> None:
        for name in ("residual", "standardised", "with_errors"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}.")
        if (self.shortest_period is None) != (self.longest_period is None):
            raise ValueError("shortest_period and longest_period must be given together.")
        if self.shortest_period is not None and self.longest_period is not None:
            if not 0 < self.shortest_period < self.longest_period < math.inf:
                raise ValueError(
                    f"shortest_period ({self.shortest_period!r}) must be positive and shorter than "
                    f"longest_period ({self.longest_period!r})."
                )
            if self.embedding_size % 2:
                raise ValueError(
                    f"embedding_size ({self.embedding_size}) must be even where times enter as "
                    "sines and cosines of periods."
                )
        # From JSON it comes as a list.
        object.__setattr__(self, "cycle_multiples", tuple(self.cycle_multiples))
        if not all(0 < multiple < math.inf for multiple in self.cycle_multiples):
            raise ValueError(
                f"cycle_multiples must be positive numbers, got {self.cycle_multiples!r}."
            )
        if self.attention == "additive" and (
            self.residual or self.standardised or self.with_errors or self.cycle_multiples
        ):
            raise ValueError('attention="additive" is a convention of the paper\'s network alone.')

    def to_dict(self) -> dict[str, Any]:
        """Give the configuration as plain values, fit for JSON.

        Returns
        -------
        values : dict
            Of the departures from the paper only those that are made.
        """
        values = asdict(self)
        paper = {name: field.default for name, field in self.__dataclass_fields__.items()}
        # Versions that know no departures can read the paper's networks of those that do.
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if name not in DEPARTURES or value != paper[name]
        }


ARCHITECTURES: Mapping[str, NetworkConfig] = MappingProxyType(
    {
        "paper": NetworkConfig(),
        # Chosen by trials, of which docs/pretraining.md tells.
        "folding": NetworkConfig(
            embedding_size=128,
            n_blocks=3,
            n_heads=4,
            feedforward_size=256,
            dropout=0.0,
            residual=True,
            standardised=True,
            with_errors=True,
            shortest_period=0.1,
            longest_period=4000.0,
            cycle_multiples=(0.5, 1.0, 2.0, 3.0, 4.0, 6.0),
        ),
    }
)
"""Networks that have a name."""
