"""From a model file to an image: what the engine is, how an image is built, run, looked into and pushed.

The only room that imports docker, and it does so late: importing these modules costs nothing.
"""
