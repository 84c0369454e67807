"""Robustness, pure: how much of a result is skill, and how much the luck of the best of many tries."""
