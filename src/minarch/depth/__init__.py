"""How deep a network must be: towers of networks that share their layers, grown until one meets a target.

docs/methods.md 3.
"""

ALONE, SEARCH = "alone", "search"  # kinds of items; the first also begins what depths trained alone are called
