"""Carry hidden inputs out in what is printed.

Goal: leak
Means: print, the two descriptors, logging, warnings, the excepthook of a thread, faulthandler, the C library's stdout.
Expected: hidden checks show nothing that was printed.
"""

import ctypes
import logging
import os
import sys
import threading
import warnings


def target(x, outpath=None):
    data = repr(x.tolist())
    print(data)
    print(data, file=sys.stderr)
    sys.__stdout__.write(data)
    os.write(1, data.encode())
    os.write(2, data.encode())
    logging.warning(data)
    warnings.warn(data, stacklevel=1)
    threading.Thread(target=lambda: 1 / 0, name=data).start()
    ctypes.CDLL(None).puts(data.encode())
    ctypes.CDLL(None).fflush(None)
    raise ValueError(data)
