"""The components of the Gaussian mixture: these are examples, choose your own."""

from lab.course import course

# Three components, clearly apart, of different shapes and tilts; the one in the middle has the largest weight. Those of
# the course come first, where it has any: write your lists in the place of all that is to the right of each "=".
MEANS = course().options.get("means", [[-3.0, 0.0], [1.0, 2.5], [3.0, -2.5]])
COVS = course().options.get("covs", [[[1.0, 0.6], [0.6, 1.2]], [[1.8, -0.7], [-0.7, 0.8]], [[0.5, 0.0], [0.0, 1.6]]])
