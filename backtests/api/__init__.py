"""The API's calls on backtests and on the optimizer, a file for each router."""
