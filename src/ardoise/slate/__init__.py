"""The slate: a local page where a network learns and reads what is drawn."""
