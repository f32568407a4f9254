"""A twin of AWS Clean Rooms for tests. Knows no cloud: nothing here leaves the machine it runs on."""
