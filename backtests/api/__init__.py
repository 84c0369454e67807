"""The API of backtests, the optimizer and the evidence, a module for each router."""
