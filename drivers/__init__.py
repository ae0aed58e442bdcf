"""The drivers plane: real microscopes behind the `Instrument` protocol, one module per family."""
