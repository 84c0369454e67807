"""The project package: the lowest layers (core, marketdata, accounts), and URLs, API and processes."""
