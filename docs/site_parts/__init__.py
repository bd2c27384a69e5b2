"""What the documentation adds to Sphinx; each module is an extension of its own."""
