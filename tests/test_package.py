"""The house as a whole: light, typed, documented, and with arrows that go one way."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_astromer

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sklearn_astromer"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("pandas", "pyarrow", "polars", "nested_pandas", "h5py", "matplotlib", "pooch", "dask")
LONGEST_FILE = 400

# What each part may import of ours; None: everything.
ALLOWED: dict[str, set[str] | None] = {
    "errors": set(),
    "format_version": set(),
    "light_curves": {"light_curves"},
    "network": {"network"},
    "windows": {"light_curves"},
    "hiding": {"windows"},
    "atomic": set(),
    "training": {
        "training",
        "network",
        "windows",
        "hiding",
        "atomic",
        "progress",
        "format_version",
    },
    "settings": set(),
    "progress": set(),
    "weights": {"weights", "network", "settings", "atomic", "format_version"},
    "datasets": {"datasets", "light_curves", "parameters", "settings", "progress", "atomic"},
    "parameters": {"embedder"},
    "fitting": None,
    "running": None,
    "preparation": None,
    "input_checks": {"light_curves"},
    "saving": None,
    "plain_state": {"network", "training", "weights"},
    "embedder": None,
    "supervised": None,
    "head_work": None,
    "head_classifier": None,
    "classifier": None,
    "lstm_classifier": None,
    "regressor": None,
    "periods": {
        *("periods", "light_curves", "windows", "parameters", "input_checks", "training"),
        "progress",
    },
    "streaming": {
        *("streaming", "bands", "embedder", "running", "light_curves", "parameters"),
        *("evaluation", "atomic", "progress", "format_version", "__version__"),
    },
    "dask": {"streaming", "running", "light_curves", "parameters"},
    "bands": {"embedder", "light_curves", "parameters", "weights"},
    "plotting": {
        *("plotting", "light_curves", "parameters", "running", "windows", "hiding", "network"),
        *("evaluation", "input_checks"),
    },
    "evaluation": {
        *("evaluation", "light_curves", "parameters", "input_checks", "atomic", "progress"),
        "__version__",
    },
    "__init__": None,
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Dotted names of all that a module imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


NOTHING_HEAVY = f"""
import sys
from importlib.machinery import PathFinder

class WithoutHeavy(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            return None
        return super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutHeavy
"""


def run_without_extras(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a new process in which heavy packages are not there, installed or not.

    That one is loaded proves nothing: scikit-learn loads pandas by itself where there is one.
    """
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", NOTHING_HEAVY + code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test__import__in_a_new_process__needs_no_heavy_optional_package() -> None:
    done = run_without_extras("import sklearn_astromer")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test__embedding_and_classifying__without_any_extra__work() -> None:
    code = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.datasets import make_variable_stars

curves, kinds = make_variable_stars(
    2, classes=["Mira", "RRab"], cadence="atlas", random_state=0
)
lists = list(curves)
embedder = AstromerEmbedder.pretrained(finetune=False)
assert np.array_equal(embedder.transform(lists), embedder.transform(curves))
model = make_pipeline(embedder, LogisticRegression(max_iter=2000)).fit(lists, kinds)
assert model.predict(lists).tolist() == kinds.tolist()
"""
    done = run_without_extras(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test__version__is_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z]+\d*|\.dev\d+)?", sklearn_astromer.__version__)


def test__typed__marker_is_in_the_package() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test__public_names__exist_and_are_documented() -> None:
    for name in sklearn_astromer.__all__:
        thing = getattr(sklearn_astromer, name)
        assert inspect.getdoc(thing), name
        if not inspect.isclass(thing):
            continue
        for method, value in inspect.getmembers(thing):
            if not method.startswith("_") and callable(value):
                assert inspect.getdoc(value), f"{name}.{method}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test__module__any__is_short_lazy_documented_and_without_absolute_paths(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE
    assert not text or ast.get_docstring(ast.parse(text)), "no docstring"
    assert not re.search(r"""["'\s(](/(work|home|tmp|root|usr|mnt|Users)/|[A-Z]:\\)""", text)


def places_of(pattern: str) -> set[str]:
    """The modules in which a regular expression is found."""
    return {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if re.search(pattern, path.read_text(encoding="utf-8"))
    }


def test__modules__any__print_nothing_and_read_settings_and_make_bars_in_one_place() -> None:
    assert not places_of(r"(?m)^\s*print\(|basicConfig|addHandler")
    assert places_of(r"os\.environ|getenv") == {"settings.py"}
    assert places_of(r"tqdm\.(auto|notebook|std)") == {"progress.py"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test__module__imports__go_one_way(path: Path) -> None:
    part = part_of(path)
    assert part in ALLOWED, f"say here what {part} may import"
    allowed = ALLOWED[part]
    ours = {
        name.removeprefix("sklearn_astromer.").split(".")[0]
        for name in imported(path)
        if name.split(".")[0] == "sklearn_astromer"
    }
    if allowed is not None:
        assert ours <= allowed | {"errors"}, f"{path.name} may import {sorted(allowed)} only"


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "network").glob("*.py")), ids=lambda path: path.name
)
def test__network__imports__torch_and_the_standard_library_alone(path: Path) -> None:
    others = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names)
    assert others <= {"torch", "sklearn_astromer"}


def test__parameters__imports_the_embedder__for_types_only() -> None:
    tree = ast.parse((PACKAGE / "parameters.py").read_text(encoding="utf-8"))
    at_run_time = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "embedder" not in ast.dump(ast.Module(at_run_time, []))
