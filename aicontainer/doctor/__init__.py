"""What this machine has, whether it is enough for the course, and how to mend what is not. It changes nothing.

findings.py  a finding, and what it is made from
advice.py    the texts that mend things, for each family of systems
system.py    which system this is
machine.py   Python, memory, disk, inotify
engine.py    Docker, its memory, control groups, kind and kubectl
network.py   ports, proxies, the source of images
tls.py       who signs the certificate of the package index
looks.py     all of it, side by side, within a limit
"""
