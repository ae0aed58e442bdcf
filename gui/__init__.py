"""The window: what an operator sees; it tails the journal and never touches an instrument."""
