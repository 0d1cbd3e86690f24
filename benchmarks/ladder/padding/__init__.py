"""The rungs of a batch of texts of many lengths, one file each: from padding to none, in NumPy."""
