"""The pages of live trading, a module for each noun."""
