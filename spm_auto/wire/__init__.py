"""Wire: what instruments say to one another, as bytes and as values; no sockets, no state."""
