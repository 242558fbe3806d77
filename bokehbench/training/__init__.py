"""Training of the networks whose weights come with the package: one loop, a folder a method."""
