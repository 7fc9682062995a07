"""`sqlscore serve`: one process that owns a database file, and keeps its scores fresh on a schedule.

- lock: one server a file
- timetable: when the next run is due
- policy: whether a model is to be trained again
- retraining: what the policy looks at, and the training
- backoff: trying again, later and later
- steps: refresh or dbt, training, publishing
- jobs: one run of all steps, and the record of it
- observing: what the outside may know of it
- metrics: the same for Prometheus
- web: /metrics and /health
- stopping: how a run is asked to end
- server: all of them, until a signal
"""
