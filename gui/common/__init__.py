"""What all views of the window share: colours, fields, scales, marks."""
