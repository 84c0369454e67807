"""What the calls of every app share: request bodies, answers, lists in pages, and how a request is refused."""
