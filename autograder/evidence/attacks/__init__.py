"""Hostile submissions, as data, and the stage on which they are graded for real. They know no assignment.

    code/     one attack a file: text that is put at the end of a starter file and runs in the sandbox
    files/    one attack a file: `build(submission)`, run by us, makes a submission hostile as a set of files
    models/   one attack a file: `build(file, example)`, run by us, writes a hostile file of trained weights
    support/  modules that travel with every submission: what the attacker knows, how to write frames
    course/   the tiny course that they are graded by, a file of checks and one of points
    corpus.py reads the attacks, suite.py writes course and submission, stage.py grades, judge.py judges what came of it

A docstring says goal, means and expected containment, and what judge.py has to know (see corpus.Attack).
`python -m autograder.evidence.attacks` runs everything.
"""
