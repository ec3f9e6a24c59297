"""`python -m autograder class SUBMISSIONS --out DIR`: grade a whole class, here or on a cluster."""
