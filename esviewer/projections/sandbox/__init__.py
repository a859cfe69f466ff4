"""User code in a process of its own (law 4): contained against accidents, watched, and ended when it must be.

``process`` is what the window and the command line use; ``entry``, ``containment`` and ``seccomp`` run in the child.
This is no prison for an attacker: that is why nothing of it runs without consent.
"""
