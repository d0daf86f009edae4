"""Checks of the estimators' parameters, done when they are used."""

from __future__ import annotations

from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from sklearn_astromer.errors import ParameterError

if TYPE_CHECKING:
    from sklearn_astromer.embedder import AstromerEmbedder

OUTPUTS = ("mean", "max", "sequence")
PRECISIONS = ("auto", "float32", "bfloat16")
HEAD_PRECISIONS = (*PRECISIONS, "float64")
HEADS = ("linear", "mlp", "lstm", "skip")


def check_embedder(embedder: AstromerEmbedder) -> None:
    """Check the parameters of an embedder that the network's own configuration does not check.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Its parameters are only read.

    Raises
    ------
    ParameterError
        If a value is not allowed; the message says which are.
    """
    one_of("output", embedder.output, OUTPUTS)
    if not isinstance(embedder.period_search, bool):
        raise ParameterError(
            f"period_search must be True or False, got {embedder.period_search!r}."
        )
    one_of("precision", embedder.precision, PRECISIONS)
    fraction("hidden_fraction", embedder.hidden_fraction)
    fraction("visible_fraction", embedder.visible_fraction, zero_too=True)
    if embedder.validation_fraction is not None:
        fraction("validation_fraction", embedder.validation_fraction)
    if embedder.learning_rate is not None:
        positive("learning_rate", embedder.learning_rate)
    if embedder.anchor is not None:
        positive("anchor", embedder.anchor, zero_too=True)
    if embedder.max_epochs is not None:
        whole("max_epochs", embedder.max_epochs)
    if embedder.patience is not None:
        whole("patience", embedder.patience)
    if embedder.batch_size != "auto":
        whole("batch_size", embedder.batch_size, remark=' or "auto"')
    if not embedder.finetune and embedder.weights is None:
        raise ParameterError(
            "finetune=False leaves the weights as they are, but weights=None: name some, as in "
            'AstromerEmbedder(weights="macho", finetune=False).'
        )


def check_supervised(estimator: Any) -> None:
    """Check the parameters that classifiers and regressors have in common.

    Parameters
    ----------
    estimator : estimator
        Its parameters are only read.

    Raises
    ------
    ParameterError
        If a value is not allowed; the message says which are.
    """
    one_of("precision", estimator.precision, HEAD_PRECISIONS)
    positive("learning_rate", estimator.learning_rate)
    positive("weight_decay", estimator.weight_decay, zero_too=True)
    if hasattr(estimator, "head"):
        one_of("head", estimator.head, HEADS)
        positive("encoder_learning_rate", estimator.encoder_learning_rate)
        whole("encoder_epochs", estimator.encoder_epochs)
        if estimator.max_epochs is not None:
            whole("max_epochs", estimator.max_epochs, remark=" or None")
    else:
        whole("window_size", estimator.window_size)
        fraction("dropout", estimator.dropout, zero_too=True)
        whole("max_epochs", estimator.max_epochs)
    if estimator.patience is not None:
        whole("patience", estimator.patience, remark=" or None")
    if estimator.validation_fraction is not None:
        fraction("validation_fraction", estimator.validation_fraction)
    if estimator.batch_size != "auto":
        whole("batch_size", estimator.batch_size, remark=' or "auto"')


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Raise a ParameterError unless `value` is one of the `allowed` strings."""
    if not isinstance(value, str) or value not in allowed:
        listed = ", ".join(f'"{choice}"' for choice in allowed)
        raise ParameterError(f"{name} must be one of {listed}, got {value!r}.")


def fraction(name: str, value: Any, *, zero_too: bool = False) -> None:
    """Raise a ParameterError unless `value` lies between 0 and 1, without these (or with zero)."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not (0 < float(value) < 1 or (zero_too and float(value) == 0)):
        least = "at least 0" if zero_too else "greater than 0"
        raise ParameterError(f"{name} must be {least} and less than 1, got {value!r}.")


def positive(name: str, value: Any, *, zero_too: bool = False) -> None:
    """Raise a ParameterError unless `value` is a positive number, or zero where that is allowed."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    allowed = number and isfinite(value) and (value > 0 or (zero_too and value == 0))
    if not allowed:
        kind = "zero or a positive number" if zero_too else "a positive number"
        raise ParameterError(f"{name} must be {kind}, got {value!r}.")


def whole(name: str, value: Any, *, remark: str = "") -> None:
    """Raise a ParameterError unless `value` is a positive integer."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ParameterError(f"{name} must be a positive integer{remark}, got {value!r}.")
