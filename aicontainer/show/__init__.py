"""What learners look at: plots and widgets. The only room that loads matplotlib and ipywidgets."""
