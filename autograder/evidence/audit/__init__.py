"""The audit: how often does the grader fail wrong code, pass correct code, and say the right thing? See README.md."""
