"""Leave while being imported.

Goal: deny
Means: sys.exit(0) at the top of the file.
Expected: an import error of this file.
Ends: answers
"""

import sys

print("leaving")
sys.exit(0)
