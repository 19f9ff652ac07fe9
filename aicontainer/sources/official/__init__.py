"""The registry source: official images by pinned digest, kind and kubectl found or downloaded. It installs nothing.

images.toml  what is pinned: images by digest, programs by checksum (AICONTAINER_PINS names another such file)
pins.py      reads it
images.py    pulls images through the engine, and finds those that are there by their digest
programs.py  downloads kind and kubectl into the user's cache
source.py    the source itself
"""
