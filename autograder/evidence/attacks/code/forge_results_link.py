"""Make the grader write through a link, or write through one ourselves.

Goal: forge
Means: symbolic and hard links to and from results.json, in the scratch folder, the submission and temporary folders.
Expected: every attempt is refused.
Scratch: yes
"""

import os

from known import MARK, RESULTS, attempt

for folder in (".", "/tmp", "/dev/shm", os.path.dirname(__file__), os.path.dirname(RESULTS)):
    here = os.path.join(folder, MARK)
    name = os.path.basename(folder) or folder
    attempt(f"symlink {name}", lambda here=here: os.symlink(RESULTS, here))
    attempt(f"link {name}", lambda here=here: os.link(RESULTS, here))
attempt("link over it", lambda: os.symlink("/dev/null", RESULTS))


def target(x, outpath=None, remember=None):
    attempt("swap picture", lambda: (os.remove(outpath), os.symlink(RESULTS, outpath)))
    attempt("results as picture", lambda: os.link(RESULTS, str(outpath) + "2"))
