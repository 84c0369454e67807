"""The optimizer, pure: which combinations there are, what each of them comes to, and how that is scored."""
