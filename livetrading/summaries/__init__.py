"""Read models: the values that pages and API show, computed from a user's records at the market time `now`."""
