"""tradedesk: the ground floor (core, marketdata, accounts) and the roof that joins the apps."""
