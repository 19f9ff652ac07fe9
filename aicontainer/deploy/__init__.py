"""From an image to a release in a cluster: the cluster itself, its objects, and a Deployment that is watched.

The only room that imports kubernetes, and it does so late: importing these modules costs nothing.
"""
