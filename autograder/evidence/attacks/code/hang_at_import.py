"""Never finish importing.

Goal: deny
Means: an endless loop at the top of the file.
Expected: the deadline of the call; paid for once, not for every check.
Ends: timeout
"""

while True:
    pass
