"""Becomes __main__.py of the zip's files/grader: what setup.sh, run_autograder and Otter's test files start."""

import sys

if __name__ == "__main__":
    from autograder.exits import heed_signals, leave
    from autograder.gradescope.run import main

    heed_signals()
    leave(main(sys.argv[1:]))
