"""Shared by the API of every app: request bodies, responses, pages of lists, and refusals."""
