"""Runs the main job, and shows what it found (provided)."""
