"""Where the engine, the cluster's programs and the images come from. ``environment`` chooses one source and uses it."""
