"""From windows back to whole light curves: embeddings and reconstructions in the given order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.network import AstromerNetwork, Encoder
from sklearn_astromer.network.pooling import pooled
from sklearn_astromer.training.batches import Batch, DeviceObservations
from sklearn_astromer.training.inference import WindowRunner
from sklearn_astromer.windows import Observations, Windows, consecutive_windows

# Windows whose results are held at once: 16 MB of pooled embeddings at the paper's size.
WINDOWS_AT_ONCE = 16384
# Large weights (those of the official MACHO network reach 28) amplify the rounding of float32 to
# 5e-4 in single embeddings, differently in each batch. Means over windows of this many observations
# differ by 1e-5; what is shorter is computed in float64 on a CPU.
SHORT_WINDOW = 64


class CurveRunner:
    """Runs a network over whole light curves, cut into consecutive windows.

    Parameters
    ----------
    network : AstromerNetwork
        In evaluation mode, on the device.
    observations : Observations
        What the network is to see.
    given_offsets : ndarray of int64, shape (n_curves + 1,)
        Where each curve begins and ends among the observations as they were given.
    device : torch.device
        Where to compute.
    precision : {"auto", "float32", "bfloat16"}
        See `sklearn_astromer.training.devices.autocast`.
    batch_size : int
        Most windows of a batch.
    verbose : int
        See `sklearn_astromer.progress`.
    """

    def __init__(
        self,
        network: AstromerNetwork,
        observations: Observations,
        given_offsets: NDArray[np.int64],
        *,
        device: torch.device,
        precision: str,
        batch_size: int,
        verbose: int,
    ) -> None:
        self.network = network
        self.observations = observations
        self.given_offsets = given_offsets
        self.windows = consecutive_windows(observations.offsets, network.config.window_size)
        on_device = DeviceObservations(observations, network.config, device)
        self.runner = WindowRunner(
            on_device, precision=precision, batch_size=batch_size, verbose=verbose
        )

    def embed(self, kind: str) -> NDArray[np.float32]:
        """Pool the embeddings of all observations of each curve.

        Parameters
        ----------
        kind : {"mean", "max"}
            How to pool, over all observations of a curve alike.

        Returns
        -------
        embedding : ndarray of float32, shape (n_curves, embedding_size)
        """
        size = self.network.config.embedding_size
        out = np.empty((len(self.given_offsets) - 1, size), dtype=np.float32)

        for part in self._parts():
            of_windows = np.empty((len(part), size), dtype=np.float32)
            short = part.length < SHORT_WINDOW
            # Apart from the others, so that a window's numbers do not depend on its neighbours.
            for exactly in np.unique(short):
                group = np.flatnonzero(short == exactly)
                pool = partial(self._pooled, kind=kind, exactly=bool(exactly))
                for chosen, _, result in self.runner.run(part[group], pool):
                    of_windows[group[chosen]] = result.numpy()
            first = np.flatnonzero(np.diff(part.curve, prepend=-1))
            rows = slice(int(part.curve[0]), int(part.curve[-1]) + 1)
            if kind == "max":
                out[rows] = np.maximum.reduceat(of_windows, first, axis=0)
            else:
                # Windows count by their observations.
                of_windows *= part.length[:, None]
                n_observations = np.add.reduceat(part.length, first)
                out[rows] = np.add.reduceat(of_windows, first, axis=0) / n_observations[:, None]
        return out

    def embed_observations(self) -> list[NDArray[np.float32]]:
        """Give the embedding of each observation, in the order in which it was given.

        Returns
        -------
        embeddings : list of ndarray of float32, shape (n_observations, embedding_size)
            NaN where nothing was measured.
        """
        size = (self.network.config.embedding_size,)
        return self._rows(lambda batch: self._encode(batch, exactly=True), size)

    def _pooled(self, batch: Batch, *, kind: str, exactly: bool) -> Tensor:
        return pooled(self._encode(batch, exactly=exactly), batch.length, batch.padding, kind)

    def _encode(self, batch: Batch, *, exactly: bool) -> Tensor:
        """Run the encoder, in float64 if it is to be exact and that is affordable."""
        on_cpu = self.runner.observations.device.type == "cpu"
        if not (exactly and on_cpu and self.runner.precision == "auto"):
            return self.network.encoder(**batch.inputs())
        return self._exact_encoder(**batch.inputs() | {"magnitude": batch.magnitude.double()})

    @cached_property
    def _exact_encoder(self) -> Encoder:
        return deepcopy(self.network.encoder).double()

    def reconstruct(self, hidden: NDArray[np.bool_] | None = None) -> list[NDArray[np.float32]]:
        """Predict the magnitude of each observation, in the order in which it was given.

        Parameters
        ----------
        hidden : ndarray of bool, shape (n_observations,), optional
            Which of the observations as given the network may not see.

        Returns
        -------
        magnitudes : list of ndarray of float32, shape (n_observations,)
            NaN where nothing was measured.

        Raises
        ------
        ValueError
            If nothing visible is left in a window.
        """
        if hidden is not None:
            hidden = hidden[self.observations.position]
            self._check_some_visible(hidden)
        return self._rows(self._prediction(hidden, with_mean=True), ())

    def hidden_error(self, hidden: NDArray[np.bool_]) -> tuple[float, float]:
        """Predict hidden magnitudes, and compare.

        Parameters
        ----------
        hidden : ndarray of bool, shape (n_observations,)
            Which of the observations as given the network may not see.

        Returns
        -------
        rmse : float
            Root of the mean square error over all hidden observations, in magnitudes.
        spread : float
            Root of the mean square of the same magnitudes, each minus the mean of its window.

        Raises
        ------
        ValueError
            If nothing is hidden.
        """
        hidden = hidden[self.observations.position]
        if not hidden.any():
            raise LightCurveError(
                "No light curve has so many observations that some can be hidden while others are "
                "seen; give longer light curves."
            )
        predict = self._prediction(hidden, with_mean=False)
        square_error = square_magnitude = 0.0
        for _, batch, prediction in self.runner.run(self.windows, predict):
            chosen = torch.from_numpy(hidden)[batch.position.cpu()]
            if batch.padding is not None:
                chosen &= ~batch.padding.cpu()
            magnitude = batch.magnitude.cpu()[chosen].double()
            square_error += float((prediction[chosen].double() - magnitude).square().sum())
            square_magnitude += float(magnitude.square().sum())
        n_hidden = int(hidden.sum())
        return (square_error / n_hidden) ** 0.5, (square_magnitude / n_hidden) ** 0.5

    def _prediction(
        self, hidden: NDArray[np.bool_] | None, *, with_mean: bool
    ) -> Callable[[Batch], Tensor]:
        device = self.runner.observations.device
        on_device = None if hidden is None else torch.from_numpy(hidden).to(device)

        def predict(batch: Batch) -> Tensor:
            inputs = batch.inputs()
            if on_device is not None:
                inputs["hidden"] = on_device[batch.position]
            prediction = self.network(**inputs)
            return prediction.double() + batch.mean_magnitude[:, None] if with_mean else prediction

        return predict

    def _check_some_visible(self, hidden: NDArray[np.bool_]) -> None:
        n_visible = np.add.reduceat((~hidden).astype(np.int64), self.windows.start)
        if not n_visible.all():
            window = int(np.argmin(n_visible))
            start, length = self.windows.start[window], self.windows.length[window]
            curve = self.windows.curve[window]
            first = start - self.observations.offsets[curve]
            raise ParameterError(
                f"light curve {curve}: all of its measured observations {first} to "
                f"{first + length - 1}, in order of time, are hidden, and they are one window of "
                "the network. Leave some visible."
            )

    def _parts(self) -> Iterator[Windows]:
        """Give the windows in parts, with one progress bar for all of them."""
        with self.runner.progress(len(self.windows)):
            yield from parts_of_whole_curves(self.windows)

    def _rows(
        self, function: Callable[[Batch], Tensor], size: tuple[int, ...]
    ) -> list[NDArray[np.float32]]:
        """Give one row per observation as given, NaN where the network saw none."""
        curves: list[NDArray[np.float32]] = []
        for part in self._parts():
            offsets = self.given_offsets[part.curve[0] : part.curve[-1] + 2]
            values = np.full((int(offsets[-1] - offsets[0]), *size), np.nan, dtype=np.float32)
            for _, batch, result in self.runner.run(part, function):
                real = slice(None) if batch.padding is None else ~batch.padding.cpu().numpy()
                position = self.observations.position[batch.position.cpu().numpy()[real]]
                values[position - offsets[0]] = result.numpy()[real]
            curves += np.split(values, offsets[1:-1] - offsets[0])
        return curves


def parts_of_whole_curves(windows: Windows, at_once: int = WINDOWS_AT_ONCE) -> Iterator[Windows]:
    """Split windows into parts of about `at_once`, never within a curve."""
    first = 0
    while first < len(windows):
        last = min(first + at_once, len(windows))
        if last < len(windows):
            # Back to where the curve began, unless it began the part: then on to its end.
            curve = windows.curve[last]
            begin = int(np.searchsorted(windows.curve, curve, side="left"))
            last = begin if begin > first else int(np.searchsorted(windows.curve, curve, "right"))
        yield windows[first:last]
        first = last
