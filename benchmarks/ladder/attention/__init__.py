"""The rungs of attention, one file each: from all scores at once to none at all."""
