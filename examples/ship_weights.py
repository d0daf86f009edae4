r"""Put the network of a run into the package, with a model card: what it read, and what it can do.

    python examples/compare_weights.py --data ../shared/data --output table.md \
        --weights macho-official atlas-official macho variables=runs/folding/weights.safetensors
    python examples/ship_weights.py --run runs/folding --name variables --table table.md

The name needs an entry in `sklearn_astromer/weights/registry.py`.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

from pretraining_data import REPORT_PERCENT, WEIGHTS

from sklearn_astromer import weights
from sklearn_astromer.weights.registry import BUNDLED_FOLDER

CARD = """# {name}

**Lineage.** Trained from scratch by `examples/pretrain.py` ({trained_with}) on {windows:,}
windows of up to {window_size} observations.

**Licence and citation.** MIT, as the package. The method is that of Donoso-Oliva et al. 2023, A&A
670, A54, changed as docs/pretraining.md tells; please cite it, and the surveys: ASAS (Pojmanski
2002, Acta Astron. 52, 397), OGLE (Soszynski et al. 2008, Acta Astron. 58, 163; 2015, 65, 297) and
CRTS (Drake et al. 2009, ApJ 696, 870).

**Network.** `{config}`

**Data.** Sources, and how often each is drawn: {mixture}. ASAS: V band; OGLE-III and OGLE-IV:
Cepheids of the LMC, I band; CRTS: field sources, unfiltered; simulated variable stars of eight
classes at four cadences. Real stars were read without their labels, and those of reports not at
all: {reports}.

**What was learned.** To tell, of a random window: the half of its magnitudes that was hidden; the
folded profile and simple statistics of the whole light curve; and, of simulated stars, the class.
Networks that fold were given a wrong period in one window of ten, and none in one of ten.

**Settings.** {settings}

**Last line of the log.** {log}

**Measured on stars that training never saw** (`examples/compare_weights.py`; macro F1 for numbers
of labels per class, mean and standard deviation over splits; RMSE/std: error of the hidden half of
the observations, over their standard deviation, with periods searched without them).

{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--run", type=Path, required=True, help="folder of examples/pretrain.py")
    add("--name", required=True, help="of the weights")
    add("--table", type=Path, required=True, help="Markdown of examples/compare_weights.py")
    add("--folder", type=Path, default=BUNDLED_FOLDER, help="where the weights are to be")
    options = parser.parse_args()
    checkpoint = weights.read_checkpoint(options.run / "weights.safetensors")
    with (options.run / "log.csv").open(encoding="utf-8", newline="") as file:
        log = list(csv.DictReader(file))[-1]
    settings = checkpoint.metadata["settings"]
    metadata = {
        "name": options.name,
        "licence": "MIT",
        "trained_with": checkpoint.metadata["trained_with"],
        "windows": int(log["windows"]),
        "settings": {
            key: value for key, value in settings.items() if key not in ("data", "run", "minutes")
        },
    }
    shipped = replace(checkpoint, metadata=metadata)
    path = options.folder / f"{options.name}.safetensors"
    weights.write_checkpoint(path, shipped)
    card = CARD.format(
        name=options.name,
        trained_with=metadata["trained_with"].split(",")[0],
        windows=metadata["windows"],
        window_size=shipped.config.window_size,
        config=shipped.config,
        mixture=", ".join(
            f"{name} {weight:g}"
            for name, weight in WEIGHTS.items()
            if repr(name) not in settings.get("without", "")
        ),
        reports=", ".join(
            f"{name} with a percent of id below {low}" for name, low in REPORT_PERCENT.items()
        ),
        settings=", ".join(f"{key} {value}" for key, value in metadata["settings"].items()),
        log=", ".join(f"{key} {value}" for key, value in log.items()),
        table=options.table.read_text(encoding="utf-8").strip(),
    )
    path.with_suffix(".md").write_text(card, encoding="utf-8")
    print(f"wrote {path} and its model card")


if __name__ == "__main__":
    main()
