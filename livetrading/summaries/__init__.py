"""Read models: the values that pages and API show, computed from a user's books at the market time `now`."""
