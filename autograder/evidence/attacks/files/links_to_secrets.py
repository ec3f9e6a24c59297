"""Links in the submission that lead to what the grader knows.

Goal: leak
Means: symbolic links to /, /etc/passwd, the hidden tests' folder and the secret; a loop of links.
Expected: links are not unpacked.
"""

from pathlib import Path


def build(submission: Path) -> None:
    for number, goal in enumerate(("/", "/etc/passwd", "/proc/self/environ", "../secret.txt", "../tests/hidden", ".")):
        (submission / f"link{number}").symlink_to(goal)
        (submission / f"link{number}.py").symlink_to(goal)
