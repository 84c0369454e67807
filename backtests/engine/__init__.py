"""The backtest engine, pure: the kernel, the price matrix, simulations and their results."""
