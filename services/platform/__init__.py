"""What every service needs, independent of its domain: errors, paging, time, logs. It does not know checks."""
