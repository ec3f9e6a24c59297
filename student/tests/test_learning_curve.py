"""Public checks of learning_curve.py: the curve of a training."""

import pytest

from autograder.door.pictures import check_picture
from support.checks.plotting import check_curve, check_saved_curve

pytestmark = pytest.mark.plot_learning_curve


def test_plot_learning_curve(submission):
    """plot_learning_curve: a figure with the curve, labelled axes, and a picture"""
    elbos = [-900.0, -800.0, -760.0, -750.0, -752.0, -748.0]
    arguments = [elbos, submission.path("curve.png")]
    reply = submission.run("learning_curve.plot_learning_curve", arguments, figures=True)
    check_curve(reply.value, elbos)
    check_saved_curve(reply.figures, elbos)
    check_picture(submission.file_bytes("curve.png"), "plot_learning_curve")
