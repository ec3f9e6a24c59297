"""A source in which everything stands for everything.

Goal: deny
Means: a class that assigns one attribute 3,000 times and reads it 4,000 times, in 64 KiB: each reading leads to each
    assignment when somebody looks for what the code uses.
Expected: the search is given up after a number of steps.
"""

from pathlib import Path


def build(submission: Path) -> None:
    many = ["self.a=1"] * 3000 + ["self.a"] * 4500
    lines = [";".join(many[place : place + 50]) for place in range(0, len(many), 50)]
    body = "\n        ".join(lines)
    hostile = f"\n\nclass Many:\n    def all(self):\n        {body}\n\n\ndef other(x):\n    return Many\n"
    file = submission / "part9.py"
    honest = file.read_text()
    file.write_text(honest.replace("    return y", "    other and None\n    return y") + hostile)
