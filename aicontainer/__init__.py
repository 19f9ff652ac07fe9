"""From an equation to a service that stays up: the library behind the notebooks.

Importing it loads no room: ask for one, for instance ``from aicontainer.learn import data``.
"""

__version__ = "0.1.0"
