"""The pages to explore with (provided)."""
