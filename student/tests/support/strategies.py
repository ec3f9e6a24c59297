"""What hypothesis varies in the checks: shapes, dtypes, magnitudes and mixtures."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DTYPES = st.sampled_from(["float32", "float64"])


def reals(shape: tuple[int, ...], dtype: str = "float64", bound: float = 10.0) -> st.SearchStrategy[np.ndarray]:
    """Arrays of numbers between -bound and bound."""
    array = hnp.arrays(np.float64, shape, elements=st.floats(-bound, bound, width=32))
    return array.map(lambda values: values.astype(dtype))


def variances(shape: tuple[int, ...], dtype: str = "float64", decades: float = 2.0) -> st.SearchStrategy[np.ndarray]:
    """Arrays of positive numbers between 10^-decades and 10^decades."""
    # np.power of a 0-d array is a scalar, which would arrive as a float instead of a tensor.
    return reals(shape, bound=decades).map(lambda exponents: np.asarray(10.0**exponents, dtype=dtype))


@st.composite
def normal_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """mu1, var1, mu2, var2 of one dtype, of shapes that broadcast against each other."""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=4, max_dims=3, max_side=5)).input_shapes
    dtype = draw(DTYPES)
    return tuple(
        draw(reals(shape, dtype) if place % 2 == 0 else variances(shape, dtype)) for place, shape in enumerate(shapes)
    )
