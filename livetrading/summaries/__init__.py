"""Read models: what pages and API show, as values computed from a user's books and the market's time `now`."""
