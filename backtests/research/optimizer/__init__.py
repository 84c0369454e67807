"""The optimizer, pure: the combinations of parameters, the figures of each, and their scores."""
