"""Lists of backtests: which are asked for, in which order, and which are chosen."""
