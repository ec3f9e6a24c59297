"""Who handed in what: one platform a file, and `reading`, which finds out which one it is."""
