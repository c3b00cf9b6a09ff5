"""What any service needs, whatever it does: errors, paging, time, logs. It knows no checks."""
