"""
A million light curves
======================

`transform_parquet` embeds files of any size, a part at a time, in memory that does not grow with
them, and goes on where it was stopped. Here with some hundred stars; what a million takes follows
from that.
"""

# %%
# A survey on disk
# ----------------
# One row per star, with columns of lists, in two files.
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sklearn_astromer.datasets import make_variable_stars

X, y = make_variable_stars(40, cadence="ogle", random_state=0)
scratch = tempfile.TemporaryDirectory()
work = Path(scratch.name)
(work / "survey").mkdir()
for number, part in enumerate([X[:200], X[200:]]):
    table = pa.table(
        {
            "object_id": [f"field {number}, star {star}" for star in range(len(part))],
            "mjd": [curve[:, 0] for curve in part],
            "mag": [curve[:, 1].astype(np.float32) for curve in part],
            "magerr": [curve[:, 2].astype(np.float32) for curve in part],
        }
    )
    pq.write_table(table, work / "survey" / f"field{number}.parquet")
X

# %%
# Stopped half-way
# ----------------
# ``batch_rows`` stars are in memory at once, and become one file. So that the job is stopped, the
# embedder here is made to fail after two parts, as if somebody had pressed Ctrl-C.
from unittest.mock import patch

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.streaming import transform_parquet

embedder = AstromerEmbedder.pretrained()
transform = AstromerEmbedder.transform
calls = []


def stop_at_the_third(self, curves):
    """Embed, but only twice."""
    calls.append(len(curves))
    if len(calls) > 2:
        raise KeyboardInterrupt
    return transform(self, curves)


target = work / "embeddings"
try:
    with patch.object(AstromerEmbedder, "transform", stop_at_the_third):
        transform_parquet(embedder, work / "survey", target, batch_rows=64, verbose=0)
except KeyboardInterrupt:
    print("stopped, with", sorted(file.name for file in target.iterdir()))

# %%
# and resumed
# -----------
# The same call again does what is missing. No row is lost, and none is there twice.
from time import perf_counter

left = len(X) - 2 * 64
start = perf_counter()
transform_parquet(embedder, work / "survey", target, batch_rows=64, verbose=0)
seconds = perf_counter() - start
embeddings = pq.read_table(target)
print(embeddings.num_rows, "rows:", embeddings.column_names)
print("in order:", embeddings["row"].to_pylist() == list(range(len(X))))

# %%
# How long a million takes
# ------------------------
# Nothing in it depends on how many there are, so time grows in proportion; with the length of the
# light curves too. This is the machine that built this page, which had other work to do; yours will
# differ. Most of the time is the search for periods: ``period_search=False`` or the weights
# ``macho`` leave it out. A GPU is found by itself. And files can be shared out among machines, each
# with a folder of its own for the result.
rate = left / seconds
print(f"{rate:.0f} light curves of {np.median(X.lengths):.0f} observations per second")
for n_stars in (10**4, 10**6, 10**8):
    print(f"{n_stars:>11,}: {n_stars / rate / 3600:10,.1f} hours")

# %%
# What for
# --------
# Back into an array. A million rows of 128 float32 are 0.5 GB: they fit in memory when the light
# curves do not.
Z = embeddings["embedding"].combine_chunks().flatten().to_numpy().reshape(len(embeddings), -1)
print("as in memory:", np.abs(Z[:64] - embedder.transform(X[:64])).max() < 2e-5)

# %%
# One use is to search by example: which stars are most like this one? Nearest neighbours in the
# embeddings need no labels; the classes in the titles were not used.
import matplotlib.pyplot as plt
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from sklearn_astromer.plotting import LightCurveDisplay

scaled = StandardScaler().fit_transform(Z)
neighbours = NearestNeighbors(n_neighbors=4).fit(scaled)
kinds = ["detached binary", "RRab"]
asked = [np.flatnonzero(y == kind)[0] for kind in kinds]
found = neighbours.kneighbors(scaled[asked], return_distance=False)
periods = embedder.find_periods(X[found.ravel()]).reshape(found.shape)
figure, axes = plt.subplots(2, 4, figsize=(10, 4.8), layout="constrained")
for row, stars, of_row in zip(axes, found, periods, strict=True):
    for place, (ax, star, period) in enumerate(zip(row, stars, of_row, strict=True)):
        colour = "#D55E00" if place == 0 else "#0072B2"
        LightCurveDisplay.from_light_curve(
            X, star, period=period, ax=ax, markersize=2, color=colour
        )
        rank = "asked for" if place == 0 else f"neighbour {place}"
        ax.set_title(f"{rank}: {y[star]}", fontsize="small", color=colour)
        ax.set_xlabel(f"phase (period {period:.4g} d)")
        ax.set_ylabel("" if place else "magnitude (mag)")
plt.show()
scratch.cleanup()
