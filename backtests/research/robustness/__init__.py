"""Robustness, pure: how much of a result may be chance, from selecting the best of many trials."""
