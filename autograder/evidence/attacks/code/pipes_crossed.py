"""Turn the connection upon itself.

Goal: deny
Means: our output as replies, requests as output, replies as input.
Expected: what arrives is not a frame, or nothing arrives.
Ends: protocol, timeout
"""

import os

os.dup2(1, 64)
os.dup2(4, 1)
os.dup2(64, 4)
print("this is no frame, but it is longer than a prefix", flush=True)
