"""A file for each exercise: the function with a switch for every mistake, the mistakes, and the cases."""
