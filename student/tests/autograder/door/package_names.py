"""What the packages of requirements/base.txt are imported as, by `python -m tools.package_names`."""

NAMES = {
    "PIL", "_distutils_hack", "_hypothesis_ftz_detector", "_hypothesis_globals", "_hypothesis_pytestplugin",
    "_pytest", "cloudpickle", "colorama", "contourpy", "cuda", "cuda_toolkit", "cycler", "dateutil",
    "exceptiongroup", "filelock", "fontTools", "fsspec", "functorch", "hypothesis", "iniconfig", "isympy",
    "jinja2", "joblib", "kiwisolver", "markupsafe", "matplotlib", "mpl_toolkits", "mpmath", "narwhals",
    "networkx", "numpy", "nvidia", "nvidia_curand", "packaging", "pluggy", "py", "pygments", "pylab",
    "pyparsing", "pytest", "safetensors", "scipy", "setuptools", "six", "sklearn", "sortedcontainers",
    "sympy", "threadpoolctl", "tomli", "torch", "torchgen", "torchvision", "tqdm", "triton",
    "typing_extensions", "tzdata",
}  # fmt: skip
