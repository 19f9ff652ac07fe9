"""Data, loss and gradient descent: from rows to a model file, in numpy alone."""
