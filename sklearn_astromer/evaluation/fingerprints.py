"""A short name for a thing that is the same in every process, and another if the thing changes.

Neither pickles nor ``joblib.hash`` will do: both tell two equal parts from one part that is there
twice, and pickled tensors of torch hold addresses. Here a thing is taken apart as pickle would do
it, and only the values count.
"""

from __future__ import annotations

import copyreg
import hashlib
from collections.abc import Sequence
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator

from sklearn_astromer.errors import ParameterError

__all__ = ["fingerprint"]

PICKLE_PROTOCOL = 4

# Kind, value, and parts that are to be taken apart in turn.
Apart = tuple[str, str | bytes | memoryview, Sequence[Any]]


def fingerprint(thing: Any) -> str:
    """Give a hash of the values that a thing is made of.

    Estimators count by class and parameters, since `clone` forgets all else; a `FrozenEstimator`,
    which `clone` keeps, by all that it holds, except the ``history_`` of trainings. Functions count
    by their own code, not by that of what they call; classes, and files whose path is a parameter,
    by their name only.

    Parameters
    ----------
    thing : object
        Numbers, strings, containers, arrays, tensors, functions, estimators, and whatever else
        can be pickled.

    Returns
    -------
    fingerprint : str
        64 hexadecimal digits (SHA-256).

    Raises
    ------
    ValueError
        If a part cannot be taken apart: a lock or an open file, for example.
    """
    if type(thing) in (list, tuple):
        return _hash(_name(type(thing)), "", [fingerprint(part) for part in thing])
    if not hasattr(thing, "get_params") or isinstance(thing, type | FrozenEstimator):
        return _of_content(thing, ())
    parameters = thing.get_params(deep=False)
    # What set_output chose: clone keeps it.
    parts = [_of_content(getattr(thing, "_sklearn_output_config", None), ())]
    for name in sorted(parameters):
        parts += [name, fingerprint(parameters[name])]
    return _hash("estimator", _name(type(thing)), parts)


def _of_content(thing: Any, inside: tuple[int, ...]) -> str:
    if id(thing) in inside:
        # It holds itself; how far up it stands is the same in every process.
        return _hash("again", str(len(inside) - inside.index(id(thing))), [])
    kind, value, parts = _containers(thing) or _values(thing) or _code(thing) or _pickled(thing)
    inside = (*inside, id(thing))
    hashes = [_of_content(part, inside) for part in parts]
    if isinstance(thing, set | frozenset):
        hashes.sort()
    return _hash(kind, value, hashes)


def _hash(kind: str, value: str | bytes | memoryview, parts: list[str]) -> str:
    digest = hashlib.sha256()
    for content in (kind, value, *parts):
        written = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        # With its size, so that no two sequences run together to the same bytes.
        digest.update(f"{len(written)}:".encode())
        digest.update(written)
    return digest.hexdigest()


def _containers(thing: Any) -> Apart | None:
    kind = _name(type(thing))
    if isinstance(thing, dict) and type(thing).__reduce__ is object.__reduce__:
        ordered = sorted(thing, key=lambda key: _of_content(key, ()))
        return kind, "", [part for key in ordered for part in (key, thing[key])]
    if type(thing) in (list, tuple, set, frozenset):
        return kind, "", list(thing)
    return None


def _values(thing: Any) -> Apart | None:
    kind = _name(type(thing))
    if thing is None or type(thing) in (bool, int, float, complex):
        return kind, repr(thing), ()
    if type(thing) in (str, bytes):
        return kind, thing, ()
    if type(thing) in (np.ndarray, np.memmap):
        if thing.dtype.hasobject:
            return "object array", str(thing.shape), (thing.ravel().tolist(),)
        return "array", _bytes(thing), (thing.shape, thing.dtype)
    if isinstance(thing, torch.Tensor):
        # As bytes, since numpy does not know all types of torch.
        flat = thing.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        return "tensor", _bytes(flat.numpy()), (tuple(thing.shape), str(thing.dtype))
    if isinstance(thing, np.random.RandomState):
        return kind, "", (thing.get_state(legacy=False),)
    if isinstance(thing, np.random.Generator):
        return kind, "", (thing.bit_generator.state,)
    return None


def _code(thing: Any) -> Apart | None:
    if isinstance(thing, type | ModuleType):
        return "name", _name(thing), ()
    if isinstance(thing, FunctionType):
        cells = [cell.cell_contents for cell in thing.__closure__ or ()]
        parts = (thing.__code__, thing.__defaults__, thing.__kwdefaults__, cells)
        return "function", _name(thing), parts
    if isinstance(thing, CodeType):
        # Not the file and the lines: code that moved is the same.
        return "code", thing.co_code, (thing.co_consts, thing.co_names)
    if isinstance(thing, BuiltinFunctionType) and isinstance(thing.__self__, ModuleType | None):
        return "builtin", _name(thing), ()
    return None


def _pickled(thing: Any) -> Apart:
    kind = _name(type(thing))
    reduce = copyreg.dispatch_table.get(type(thing))
    try:
        parts = reduce(thing) if reduce else thing.__reduce_ex__(PICKLE_PROTOCOL)
    except Exception as problem:
        raise ParameterError(
            f"a {kind} among the parameters or the data cannot be named ({problem}), so that its "
            "results cannot be found again; replace it, or set cache=None."
        ) from problem
    if isinstance(parts, str):
        return "global", f"{getattr(thing, '__module__', None)}.{parts}", ()
    make, arguments, state, items, pairs = (*parts, None, None, None)[:5]
    if isinstance(state, dict):
        # The record of a training holds the seconds that it took, which no prediction depends on.
        state = {name: value for name, value in state.items() if name != "history_"}
    return kind, "", (make, arguments, state, list(items or ()), dict(pairs or ()))


def _name(thing: Any) -> str:
    module = getattr(thing, "__module__", None)
    return f"{module}.{getattr(thing, '__qualname__', None) or thing.__name__}"


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
