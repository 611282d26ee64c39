"""The live page inside the browser: what Python hands over to it, and the files that it loads.

The modules themselves are JavaScript (``static/device``). Every number that they need comes from here.
"""
