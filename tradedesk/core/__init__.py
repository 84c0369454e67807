"""The pure core: values and rules that the backtest, the paper desk and the live desk all share.

Nothing here imports Django, reads a clock or does I/O.
"""
