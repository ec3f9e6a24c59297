"""Carry hidden inputs out in the name of an exception's class.

Goal: leak
Means: a class named after the data, a million characters long, with module and qualified name alike.
Expected: hidden checks show only names that Python and NumPy define.
"""


def target(x, outpath=None):
    data = "_".join(str(value) for value in x.flatten().tolist()).replace(".", "_").replace("-", "m")
    name = f"Input_{data}_" + "x" * 10**6
    raise type(name, (ValueError,), {"__module__": name, "__qualname__": name})(data)
