"""Lists of backtests, for the page and for the API: filtered, sorted, paged and selected by id."""
