"""The machinery around your files (provided).

run/ runs the main job and shows what it found, parts/ are the pieces of that job, explorers/ are the pages that
explore.py serves, report/ shows results in report.ipynb and makes its PDF.
"""
