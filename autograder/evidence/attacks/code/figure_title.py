"""A title that a check's pattern takes for ever to search.

Goal: deny
Means: a figure with a title of 200,000 digits: a pattern that begins with digits begins anew at each of them.
Expected: texts of figures are short when a check gets them.
Ends: answers, protocol
Scratch: yes
"""

from honest_drawing import draw


def target(x, outpath, remember):
    return draw(x, outpath, remember, title="1" * 200_000 + ".")
