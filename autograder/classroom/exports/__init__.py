"""Who handed in what: `reading` finds out which platform an export is of, the others read it."""
