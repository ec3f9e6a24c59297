"""Uses of a forbidden library are found in the syntax tree, whatever the code looks like, and nothing else is."""

import subprocess
import sys
import time

import pytest

from autograder.door import library_use
from autograder.door.library_use import LARGEST, WIDTH, Use, first_use, remark

LIBRARY = "torch.distributions"
# Each uses the library in `area`, in the line that is marked.
USES = {
    "alias": """
        import torch.distributions as D
        def area(r):
            return D.Normal(0, r).entropy()  # here
    """,
    "name": """
        from torch.distributions import Normal as Bell
        def area(r):
            return Bell(0, r)  # here
    """,
    "module of a package": """
        from torch import distributions
        def area(r):
            return distributions.Normal(0, r)  # here
    """,
    "full path": """
        import torch
        def area(r):
            return (
                torch.distributions  # here
                .Normal(0, r)
            )
    """,
    "imported below the top": """
        import torch.distributions.normal
        def area(r):
            return torch.distributions.normal.Normal(0, r)  # here
    """,
    "imported in the function": """
        def area(r):
            import torch
            t = torch
            make = t.distributions.Normal  # here
            return make(0, r)
    """,
    "either of two imports": """
        try:
            import torch.distributions as D
        except ImportError:
            import scipy.stats as D
        def area(r):
            return D.norm(0, r)  # here
    """,
    "assigned to other names": """
        import torch as t
        package = t
        library = package.distributions  # here
        def area(r):
            return library.Normal(0, r)
    """,
    "everything imported": """
        from torch.distributions import *
        def area(r):
            return len([r]) * Normal(0, r)  # here
    """,
    "everything of the package imported": """
        from torch import *
        def area(r):
            return distributions.Normal(0, r)  # here
    """,
    "helper of a helper": """
        from torch.distributions import Normal
        def area(r):
            return first(r)
        def first(r):
            return [second(x) for x in r]
        def second(r):
            return Normal(0, r)  # here
    """,
    "helper class": """
        from torch.distributions import Normal
        class Bell(Normal):  # here
            pass
        def area(r):
            return Bell(0, r)
    """,
    "lambda, default and decorator": """
        from torch.distributions import Normal
        def noted(make=lambda r: Normal(0, r)):  # here
            return lambda function: make
        @noted()
        def area(r):
            return 1
    """,
    "inside an f-string": """
        import torch
        def area(r):
            return f"{torch.distributions.Normal(0, r)}"  # here
    """,
    "async function with another name": """
        import torch
        async def other(r):
            return torch.distributions.Normal(0, r)  # here
        area = other
    """,
    "value of the module": """
        from torch.distributions import Normal
        BELL = Normal(0, 1)  # here
        def area(r):
            return BELL.log_prob(r)
    """,
}
# None of these uses it in `area`.
OTHERS = {
    "not at all": "def area(r):\n    return r",
    "no such function": "import torch\ntorch.distributions.Normal(0, 1)",
    "imported and not used": "from torch.distributions import Normal\ndef area(r):\n    return r",
    "used by another function": """
        from torch.distributions import Normal
        def area(r):
            return r
        def other(r):
            return Normal(0, r) + area(r)
    """,
    "used when the file is run": """
        import torch
        def area(r):
            return r
        if __name__ == "__main__":
            print(torch.distributions.Normal(0, 1))
    """,
    "strings and comments": """
        import torch
        def area(r):
            '''Not torch.distributions.Normal.'''
            # torch.distributions.Normal(0, r)
            return "torch.distributions" + f"torch.distributions.Normal{r}"
    """,
    "another library of the same name": """
        import distributions, other.torch as torch
        from .torch.distributions import Normal
        def area(r):
            return distributions.Normal(0, r), torch.distributions.Normal(0, r), Normal(0, r)
    """,
    "longer name": "import torch\ndef area(r):\n    return torch.distributions_of(r)",
    "argument of the same name": """
        import torch.distributions as D
        def area(D):
            return D.sum() + sum(D.x for D in [D])
    """,
    "annotation": """
        from torch.distributions import Normal
        def area(r: Normal) -> Normal:
            bell: Normal = r
            return bell
    """,
    "everything imported from two modules": """
        from math import *
        from torch.distributions import *
        def area(r):
            return pi * r
    """,
    "names in circles": "a = b\nb = a\nb = b.b\nb = a.a\ndef area(r):\n    return a.b.c",
    "not Python": "import torch\ndef area(r):\n    return torch.distributions.Normal(0, r\n",
    "null byte": "import torch\ndef area(r):\n    return torch.distributions\0",
}


def dedented(text: str) -> str:
    """Without the indentation of the first line."""
    lines = text.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[indent:] for line in lines) + "\n"


@pytest.mark.parametrize("text", USES.values(), ids=USES)
def test_uses_are_found(text):
    source = dedented(text)
    (line,) = [number for number, line in enumerate(source.splitlines(), start=1) if line.endswith("# here")]
    assert first_use(source.encode(), ["area"], ["numpy.linalg", LIBRARY]) == Use(line, LIBRARY)
    assert first_use(source.encode(), ["area"], ["numpy"]) is None


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_nothing_else_is(text):
    assert first_use(dedented(text).encode(), ["area"], [LIBRARY]) is None


CLASS = """
from torch.distributions import Normal
class Disc:
    def __init__(self):
        self.size = self.noise = Normal(0, 1)
        self.unused = 1
    def area(self):
        return self.square()
    def square(self):
        return self.size.sample()
    def edge(self):
        return self.unused
    def corner(self):
        return Normal
"""


@pytest.mark.parametrize(
    ("function", "line"),
    [("Disc", 5), ("Disc.area", 5), ("Disc.square", 5), ("Disc.edge", None), ("Disc.corner", 14), ("Disc.none", 5)],
)
def test_a_method_reaches_what_it_names_of_its_class(function, line):
    use = first_use(CLASS.encode(), [function], [LIBRARY])
    assert (use and use.line) == line


def test_the_first_line_counts_and_other_encodings_are_read():
    source = (
        "# coding: latin-1\nimport torch\ndef area(é):\n    torch.cat(é)\n    return torch.distributions, torch.cat\n"
    )
    assert first_use(source.encode("latin-1"), ["area"], [LIBRARY, "torch.cat"]) == Use(4, "torch.cat")


def test_a_remark_says_where_and_takes_no_points():
    source = b"import torch\ndef area(r):\n    return torch.distributions.Normal(0, r)\n"
    said = remark("disc.py", source, "1.1", ["area"], [LIBRARY])
    assert " ".join(said.split()) == (
        "Remark: disc.py, line 3, uses torch.distributions, which task 1.1 forbids. No points are taken for this by "
        "machine."
    )
    assert max(map(len, said.splitlines())) <= WIDTH
    assert remark("disc.py", b"def area(r):\n    return r\n", "1.1", ["area"], [LIBRARY]) == ""
    said = remark("disc.py", b"#" * (LARGEST + 1), "1.1", ["area"], [LIBRARY])
    assert said.startswith("Remark: disc.py is too large to be searched")


HOSTILE = {
    "attributes": "def area(r):\n    return a{}".format(".a" * 30_000),
    "signs": "def area(r):\n    return {}1".format("-" * 60_000),
    "brackets": "def area(r):\n    return {}{}".format("(" * 30_000, ")" * 30_000),
    "sums": "def area(r):\n    return 1{}".format("+1" * 30_000),
    "lambdas": "def area(r):\n    return {}r".format("lambda: " * 8_000),
    "names": "def area(r):\n {}".format("a;" * 30_000),
    "bindings": "{}def area(r):\n return {}a".format("a=a.a\n" * 5_000, "a," * 15_000),
    "definitions": "".join(f"def f{n}():f{n + 1}()\n" for n in range(3_000)) + "def area(r):f0()",
    "aliases": "".join(f"a{n}=a{n + 1};a{n}=a{n + 2}\n" for n in range(2_500)) + "def area(r):a0.b",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_strangers_code_cannot_keep_the_grader_busy(source):
    """Each is as large or deep as the limit allows; a process of its own, with bounds."""
    resource = pytest.importorskip("resource", reason="Unix only")
    code = "import sys; from autograder.door.library_use import *\n"
    code += f"assert remark('a.py', sys.stdin.buffer.read(), '1', ['area'], [{LIBRARY!r}]) == ''"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=source.encode(),
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (400 * 2**20,) * 2),
    )
    assert done.returncode == 0, done.stderr.decode()
    assert len(source) <= LARGEST and time.monotonic() - began < 30


def test_what_stands_for_everything_is_followed_a_few_times(monkeypatch):
    """A class that assigns an attribute n times and reads it n times must not be searched n * n times."""
    body = "; ".join(["self.a = 1"] * 2000 + ["self.a"] * 2000)
    source = f"def f():\n    return Many\nclass Many:\n    def all(self):\n        {body}\n"
    steps = []
    children = library_use._children
    monkeypatch.setattr(library_use, "_children", lambda node: steps.append(1) or children(node))
    pushed = []
    members = library_use._members
    monkeypatch.setattr(library_use, "_members", lambda *given: pushed.append(members(*given)) or pushed[-1])
    assert library_use.first_use(source.encode(), ["f"], ["scipy"]) is None
    assert len(pushed[0]["a"]) == library_use.BINDINGS and len(steps) < 100_000
