"""What the pages show, read from the rows: a backtest, a comparison, a leaderboard, evidence, an optimizer run."""
