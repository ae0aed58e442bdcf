"""The microscope: live image, profile, and the whole range with frame and tip."""
