"""What accounts hold, and who may use it."""
