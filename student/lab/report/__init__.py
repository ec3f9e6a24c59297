"""Shows results in the notebook of the report, and makes its PDF (provided)."""
