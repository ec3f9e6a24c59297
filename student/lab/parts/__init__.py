"""The pieces of the main job (provided)."""
