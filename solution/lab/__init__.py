"""The machinery behind main.py (provided): parts, the processes that run them, progress bars, and the gallery.

Also the pages that explore.py serves.
"""
