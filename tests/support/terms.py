"""Which terms of a sum a function counts wrongly, looked at after a failure: found by least squares over calls."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.door.cases import returned

FACTORS = {0.0: "missing", -1.0: "counted with the wrong sign", 2.0: "not halved", 0.5: "halved once too often"}


def factors(
    call: Callable[..., Any], inputs: Sequence[Sequence[Any]], terms: Callable[..., Mapping[str, Any]]
) -> dict[str, float]:
    """How often each term is in what a function returns, 1 where it is right; {} if no such factors explain it all.

    Args:
        inputs: the arguments of some calls, with many more values than there are terms.
        terms: {name: value} by the arguments; the right result is their sum.
    """
    values, columns = [], []
    for arguments in inputs:
        value, named = returned(call, *arguments), terms(*arguments)
        shape = np.broadcast_shapes(*(np.shape(term) for term in named.values()))
        if not isinstance(value, np.ndarray) or value.shape != shape or not np.isfinite(value).all():
            return {}
        values.append(value.ravel().astype(np.float64))
        columns.append(np.stack([np.broadcast_to(term, shape).ravel() for term in named.values()], axis=1))
    matrix, came = np.concatenate(columns), np.concatenate(values)
    found, *_ = np.linalg.lstsq(matrix, came, rcond=None)
    exact = np.allclose(matrix @ found, came, rtol=1e-5, atol=1e-6 * np.abs(came).max())
    return dict(zip(named, found.tolist(), strict=True)) if exact else {}


def cause_of_terms(
    call: Callable[..., Any],
    inputs: Sequence[tuple[Mapping[str, int], Sequence[Sequence[Any]]]],
    terms: Callable[..., Mapping[str, Any]],
) -> str:
    """What to say of terms that are counted wrongly in the same way whatever the sizes; "" if there is no such way.

    Args:
        inputs: the arguments of some calls, beside the sizes that they have, by name.
        terms: as for `factors`.
    """
    kept: dict[str, set[str]] = {}
    for number, (sizes, some) in enumerate(inputs):
        found = factors(call, some, terms)
        ways = {term: _ways(factor, sizes) for term, factor in found.items() if abs(factor - 1) > 1e-3}
        if not ways or (number and ways.keys() != kept.keys()):
            return ""
        kept = {term: ways[term] & kept.get(term, ways[term]) for term in ways}
    together: dict[str, list[str]] = {}
    for term, ways_of in kept.items():
        if len(ways_of) != 1:
            return ""
        together.setdefault(*ways_of, []).append(term)
    return "; ".join(f"{' and '.join(some)} {'are' if len(some) > 1 else 'is'} {way}" for way, some in together.items())


def _ways(factor: float, sizes: Mapping[str, int]) -> set[str]:
    """In which words a factor may be told."""
    found = {way for number, way in FACTORS.items() if abs(factor - number) < 1e-3}
    for name, size in sizes.items():
        found |= {f"multiplied by {name}"} if abs(factor / size - 1) < 1e-3 else set()
        found |= {f"divided by {name}"} if abs(factor * size - 1) < 1e-3 else set()
    return found
