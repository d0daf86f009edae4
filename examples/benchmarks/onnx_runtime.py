"""The same network through ONNX Runtime, one light curve per call: a baseline of transform.py."""

from __future__ import annotations

import io
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_astromer import LightCurves
from sklearn_astromer.network import AstromerNetwork

try:
    import onnx  # noqa: F401 - the exporter of torch needs it
    from onnxruntime import InferenceSession, SessionOptions
except ImportError as error:
    raise SystemExit(
        'This needs onnx and onnxruntime: pip install "sklearn-astromer[benchmark]".'
    ) from error


class MeanEmbedding(nn.Module):
    """The mean embedding of windows without padding."""

    def __init__(self, network: AstromerNetwork) -> None:
        super().__init__()
        self.encoder = network.encoder

    def forward(self, time: Tensor, magnitude: Tensor) -> Tensor:
        """Embed windows of one length."""
        return self.encoder(time, magnitude).mean(dim=1)


class OneCurvePerCall:
    """Embeds light curves one by one.

    Nothing is padded: the full windows of a light curve are one call, and what is left another one.

    Parameters
    ----------
    network : AstromerNetwork
        The paper's.
    threads : int
        Of each call.
    """

    def __init__(self, network: AstromerNetwork, threads: int) -> None:
        options = SessionOptions()
        options.intra_op_num_threads = threads
        self.size = network.config.window_size
        self.session = InferenceSession(exported(network), options, ["CPUExecutionProvider"])

    def transform(self, curves: LightCurves) -> NDArray[np.float32]:
        """Give the mean embedding of each light curve."""
        return np.stack([self._embed(curve[:, :2]) for curve in curves])

    def _embed(self, curve: NDArray[np.float64]) -> NDArray[np.float32]:
        n_full = len(curve) // self.size * self.size
        parts = [curve[:n_full].reshape(-1, self.size, 2), curve[None, n_full:]]
        total = np.zeros(1, dtype=np.float32)
        for windows in parts:
            if windows.size:
                centred = windows - windows.mean(axis=1, keepdims=True)
                given = {
                    "time": np.ascontiguousarray(centred[:, :, 0]),
                    "magnitude": centred[:, :, 1].astype(np.float32),
                }
                (embedding,) = self.session.run(None, given)
                total = total + windows.shape[1] * embedding.sum(axis=0)
        return total / len(curve)


def exported(network: AstromerNetwork) -> bytes:
    """Write a network as ONNX takes it, for windows of any number and length."""
    example = (torch.linspace(-50, 50, 60, dtype=torch.float64).view(2, 30), torch.rand(2, 30))
    names = ["time", "magnitude"]
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Of an exporter that is going to be replaced, and of loops whose length never changes. The
        # new one needs another package, and this one is checked against the network itself.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            MeanEmbedding(network).eval(),
            example,
            stream,
            input_names=names,
            output_names=["embedding"],
            dynamic_axes={name: {0: "windows", 1: "observations"} for name in names},
            dynamo=False,
        )
    return stream.getvalue()
