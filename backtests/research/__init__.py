"""Research, pure: parameter searches, robustness reports, and the analysis of results."""
