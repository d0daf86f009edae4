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
# One row per star, with its id and columns of lists, in two files.
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from sklearn_astromer.datasets import make_variable_stars

X, y = make_variable_stars(40, cadence="ogle", random_state=0)
scratch = tempfile.TemporaryDirectory()
work = Path(scratch.name)
(work / "survey").mkdir()
for number, part in enumerate([X[:200], X[200:]]):
    pq.write_table(part.to_arrow(), work / "survey" / f"field{number}.parquet")
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
from time import process_time

left = len(X) - 2 * 64
start = process_time()
transform_parquet(embedder, work / "survey", target, batch_rows=64, verbose=0)
seconds = process_time() - start
embeddings = pq.read_table(target)
print(embeddings.num_rows, "rows:", embeddings.column_names)
print("in order:", embeddings["row"].to_pylist() == list(range(len(X))))

# %%
# How long a million takes
# ------------------------
# The work for a star does not depend on how many there are, so time grows in proportion. It was
# measured in seconds of one processor core, on the machine that built this page; yours will differ.
# Half of it or more is the search for periods, which ``period_search=False`` and the weights
# ``macho`` leave out. A GPU, if there is one, is found by itself. And files can be shared out among
# machines, each with a folder of its own for the result (:doc:`/large_surveys`).
rate = left / seconds
print(f"{rate:.0f} light curves of {np.median(X.lengths):.0f} observations per second of a core")
for n_stars in (10**4, 10**6, 10**8):
    print(f"{n_stars:>11,}: {n_stars / rate / 3600:10,.1f} core hours")

# %%
# What for
# --------
# Back into an array. A million rows of 128 float32 are 0.5 GB: they fit in memory when the light
# curves do not.
Z = embeddings["embedding"].combine_chunks().flatten().to_numpy().reshape(len(embeddings), -1)
print("as in memory:", np.abs(Z[:64] - embedder.transform(X[:64])).max() < 2e-5)

# %%
# One use is to search by example: which stars are most like this one? Nearest neighbours in the
# embeddings need no labels; the classes in the titles were not used. Each star is folded on the
# period that the embedder finds, of binaries often half of the true one.
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
