"""One specification per kind of check, and what their fields share."""
