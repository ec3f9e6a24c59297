"""Right answers in NumPy, and what usual mistakes would give."""

import numpy as np

from autograder.door.diagnose import Mistakes


def predict(x: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    return np.polyval([slope, intercept], x)


def mean_squared_error(predicted: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.square(predicted - wanted).mean())


def mistakes_of_predict(x: np.ndarray, slope: float, intercept: float) -> Mistakes:
    return {
        "the sign of the intercept is wrong": slope * x - intercept,
        "slope and intercept are exchanged": intercept * x + slope,
    }


def mistakes_of_mean_squared_error(predicted: np.ndarray, wanted: np.ndarray) -> Mistakes:
    return {
        "the sum is returned, not the mean": float(np.square(predicted - wanted).sum()),
        "the differences are not squared": float((predicted - wanted).mean()),
    }
