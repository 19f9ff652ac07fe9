"""The checks of the exercises, one module a notebook: ``from aicontainer.exercises import loss``."""
