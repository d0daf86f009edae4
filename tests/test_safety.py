"""Nothing in the package reads what could execute code, and nothing is fetched unprotected."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "sklearn_astromer"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Modules whose files or bytes can execute code, or that start other programs.
UNSAFE_MODULES = {
    *("pickle", "_pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "yaml"),
    *("code", "codeop", "ctypes", "pty", "runpy", "subprocess"),
}
UNSAFE_CALLS = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load", "torch.save"),
    *("torch.jit.load", "torch.hub.load", "joblib.load", "joblib.dump", "pd.read_pickle"),
    *("pandas.read_pickle", "np.memmap", "numpy.memmap"),
}
# Loads pickles of objects, unless it is told not to.
NUMPY_LOADS = {"np.load", "numpy.load", "np.lib.npyio.NpzFile"}

# What is there with good reason, by module.
ALLOWED = {
    # Dask sends every task pickled, between processes of one user. An estimator is packed by us,
    # once, so that each worker unpacks it once; it never comes from a file.
    "dask.py": {"pickle", "cloudpickle"},
    # `Parallel` and `delayed`, which hand work to processes of the same user.
    "evaluation/curve.py": {"joblib"},
}


def dotted(node: ast.expr) -> str:
    """The name of what is called, as it is written."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def unsafe(text: str) -> Iterator[str]:
    """Everything in a module that could execute what it reads."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {str(node.module).split(".")[0]}
            # Otherwise the names of calls would not be whole.
            if names & {"torch", "joblib", "numpy", "os"}:
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        else:
            names = set()
        yield from names & (UNSAFE_MODULES | UNSAFE_CALLS | NUMPY_LOADS | {"joblib"})
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        keywords = {word.arg: word.value for word in node.keywords}
        safely = keywords.get("allow_pickle")
        if name in UNSAFE_CALLS:
            yield name
        if name in NUMPY_LOADS and safely is None:
            yield f"{name} without allow_pickle=False"
        if safely is not None and not (isinstance(safely, ast.Constant) and safely.value is False):
            yield f"{name} with allow_pickle"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test__module__any__executes_nothing_that_it_reads(path: Path) -> None:
    found = set(unsafe(path.read_text(encoding="utf-8")))
    # Equal: what is not needed any more is not allowed any more.
    assert found == ALLOWED.get(path.relative_to(PACKAGE).as_posix(), set())


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "import yaml.loader",
        "from torch import load, save",
        "torch.load(path)",
        "torch.load(path, weights_only=True)",
        "from joblib import load",
        "eval(text)",
        "exec(text)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "np.save(path, x, allow_pickle=True)",
    ],
)
def test__unsafe__line_that_could_execute_code__is_found(line: str) -> None:
    assert list(unsafe(line))


@pytest.mark.parametrize("line", ["np.load(path, allow_pickle=False)", "network.eval()", "x = 1"])
def test__unsafe__harmless_line__is_not_found(line: str) -> None:
    assert not list(unsafe(line))


def test__addresses__any__are_https() -> None:
    texts = [path.read_text(encoding="utf-8") for path in MODULES]
    assert any("https://" in text for text in texts)
    assert not [text for text in texts if "http://" in text or "ftp://" in text]
