"""What goes wrong between the parts, and what strangers send: injected here, for real servers cannot be made to."""
