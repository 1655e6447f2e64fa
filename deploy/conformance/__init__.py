"""A kit by which a partner tries its own consumer: a small feed of its own that does what a real one does at its worst.

It needs no system, no broker and no database; what it sends is made by the code that a real feed sends with.
"""
