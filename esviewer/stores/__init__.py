"""How stores are read: addresses, read-only connections, detection, dialects, codecs, reader and index.

The only room that imports SQL libraries.
"""
