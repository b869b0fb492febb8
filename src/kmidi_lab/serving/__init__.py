"""A page in the browser that composes and asks the models: `task=serve`."""
