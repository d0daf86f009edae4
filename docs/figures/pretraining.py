"""Losses and few-shot scores of pre-training runs over the windows that they saw."""

import csv
from pathlib import Path

import matplotlib.pyplot as plt

LABELS = {
    "variables": "variables",
    "variables-paper": "paper's network",
    "no-asas": "without ASAS",
    "no-ogle": "without OGLE",
}
PANELS = {
    "magnitude_loss": "loss of hidden magnitudes",
    "portrait_loss": "loss of portraits",
    "f1_asas": "macro F1, ASAS, 20 labels",
}

# The build runs this in its own folder.
runs = Path("..", "runs")
figure, axes = plt.subplots(1, 3, figsize=(9, 3))
for name, marker in zip(LABELS, "osD^", strict=True):
    with (runs / f"{name}.csv").open(encoding="utf-8") as file:
        log = list(csv.DictReader(file))
    windows = [int(row["windows"]) for row in log]
    for axis, column in zip(axes, PANELS, strict=True):
        values = [float(row[column]) for row in log]
        axis.plot(windows, values, f"{marker}-", markersize=4, label=LABELS[name])
for axis, title in zip(axes, PANELS.values(), strict=True):
    axis.set(xscale="log", xlabel="windows seen", ylabel=title)
axes[-1].legend(frameon=False, fontsize=8)
