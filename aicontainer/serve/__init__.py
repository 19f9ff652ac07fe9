"""A model file behind HTTP. ``protocol``, ``metrics``, ``app``, ``shelf`` and ``__main__`` run inside the image.

``client`` and ``process`` run on the learner's machine, to ask a server and to start one without a container.
"""
