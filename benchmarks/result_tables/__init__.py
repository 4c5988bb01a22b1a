"""Tables of results: how measurements complete them, and how the pages show them."""
