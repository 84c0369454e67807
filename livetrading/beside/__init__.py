"""Running beside tested: a live strategy compared with the backtest of the same stretch, and its decisions made
again every night."""
