"""Spectra and force curves, one over another, with mean, slope and fit."""
