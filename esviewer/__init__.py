"""esviewer: an inspector for event stores."""

__version__ = "0.1.0"
