"""Hostile submissions, as data, and the stage on which they are graded for real.

    code/     one attack a file: text that is put at the end of a starter file and runs in the sandbox
    files/    one attack a file: `build(submission)`, run by us, makes a submission hostile as a set of files
    support/  two modules that travel with every submission: what the attacker knows, and how to write frames
    corpus.py reads all of these; stage.py grades submissions with several attacks each and judges what came of it

A docstring says goal, means and expected containment, and what stage.py has to know (see corpus.Attack).
`python -m autograder.evidence.attacks` runs everything and prints the table of README.md.
"""
