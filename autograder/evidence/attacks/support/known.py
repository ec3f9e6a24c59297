"""What an attacker may be assumed to know, and how an attack says what came of it. Travels with every submission."""

import errno

from known_facts import FACTS

GRADER = FACTS["grader"]  # process id
RESULTS = FACTS["results"]  # where results.json goes
TESTS = FACTS["tests"]  # the folder of the tests
HIDDEN = FACTS["hidden"]  # one of the hidden tests
GRADER_FILES = FACTS["grader_files"]  # hidden tests, points, secret, results, metadata
CANARIES = FACTS["canaries"]  # parts of what is secret, to recognise it (not the hidden inputs)
MARK = FACTS["mark"]  # the name of every file that an attack tries to leave behind
PORT, UNIX_SOCKET = FACTS["port"], FACTS["unix_socket"]  # where somebody listens
FORGED = '{"score": 100, "tests": [{"name": "FORGED", "score": 100, "max_score": 100, "status": "passed"}]}'


_done = []


def attempt(what, action):
    """Try something that the sandbox must refuse, and print what came of it.

    Only the end of what is printed will be seen: what succeeded earlier is said again.
    """
    try:
        value = action()
    except BaseException as error:
        code = getattr(error, "errno", None)
        outcome = errno.errorcode.get(code, "") if isinstance(code, int) else ""
        earlier = f"[earlier: DONE {' '.join(_done)!r:.60}]" if _done else ""
        print(f"[{what}: {outcome or type(error).__name__}]{earlier}", flush=True)
    else:
        _done.append(what)
        print(f"[{what}: DONE {value!r:.60}]", flush=True)
