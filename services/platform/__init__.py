"""Code that every service needs, independent of its domain: errors, paging, time, logs. It does not import checks."""
