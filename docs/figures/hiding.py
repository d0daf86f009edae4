"""What the network gets of a window in training, and what it has to tell."""

import matplotlib.pyplot as plt
import torch

from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.hiding import hide

N_OBSERVATIONS = 80
EPOCH = 2450000

X, _ = make_variable_stars(1, classes=["Mira"], cadence="asas", random_state=3)
time, magnitude, _ = X[0][:N_OBSERVATIONS].T
time = time - EPOCH
given = torch.tensor(magnitude, dtype=torch.float32)[None]
hiding = hide(given, torch.tensor([N_OBSERVATIONS]), generator=torch.Generator().manual_seed(1))
seen = hiding.magnitude[0].numpy()
hidden, target = hiding.hidden[0].numpy(), hiding.target[0].numpy()
replaced = target & (seen != given[0].numpy())
shown = target & ~hidden & ~replaced

figure, (before, after) = plt.subplots(
    2, 1, figsize=(7.5, 5.0), sharex=True, sharey=True, layout="constrained"
)
before.plot(time, magnitude, "o", ms=4, color="#999999")
before.plot(time[target], magnitude[target], "o", ms=7, mfc="none", color="#D55E00", label="target")
before.set(ylabel="magnitude", title="A window: half of its observations are targets")
after.plot(time[~target], seen[~target], "o", ms=4, color="#999999", label="seen, no target")
after.plot(time[shown], seen[shown], "s", ms=6, color="#0072B2", label="target, shown as it is")
after.plot(time[replaced], seen[replaced], "^", ms=6.5, color="#009E73",
           label="target, with the magnitude of another")  # fmt: skip
low = max(magnitude) + 0.12 * (max(magnitude) - min(magnitude))
after.plot(time[hidden], [low] * hidden.sum(), "|", ms=9, color="#D55E00",
           label="target, hidden: only the time is known")  # fmt: skip
after.set(xlabel="HJD - 2,450,000 (days)", ylabel="magnitude", title="What the network sees of it")
after.invert_yaxis()
before.legend(fontsize=8, loc="upper left")
handles, labels = after.get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8)
