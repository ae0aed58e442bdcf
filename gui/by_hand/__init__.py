"""Work by hand: panels of quantities with their limits and what is read back."""
