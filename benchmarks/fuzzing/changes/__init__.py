"""What may be wrong with a file.

Every function takes what is there and a generator of chances, and gives what is there
afterwards; the same chances give the same file.
"""
