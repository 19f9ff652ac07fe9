"""A model file behind HTTP: from the socket to the answer.

The wire: ``listening`` (sockets), ``workers`` (processes), ``lifecycle`` (begin and end), ``connection`` and ``wire``
(requests and their limits), ``heads``. The seam: ``request``. The application: ``app`` and what it asks. ``client`` and
``process`` alone run on the learner's machine, to ask a server and to start one without a container.
"""
