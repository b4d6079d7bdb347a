"""When DAGs run by themselves: cron texts, timetables, and the runs that are due."""
