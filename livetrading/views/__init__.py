"""The pages of live trading, one module for each subject."""
