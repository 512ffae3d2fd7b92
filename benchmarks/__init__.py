"""Benchmarks: each module is one of them or a part that they share, and is run as `python -m benchmarks.NAME`.

What each measures and how to read it stands in README.md beside this file.
"""
