"""Statement text: tokens, names, reading."""
