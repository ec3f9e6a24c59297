"""The machinery around your files (provided)."""
