"""`sqlscore serve`: one process that owns a database file, and keeps its scores fresh on a schedule.

- lock: one server a file
- timetable: when the next run is due
- slots: the timetable as APScheduler takes it
- policy: whether a model is to be trained again
- retraining: what the policy looks at, and the training
- backoff: retries at growing intervals
- steps: refresh or dbt, training, publishing, reports
- jobs: one run of all steps, and its record
- notices: what happens in a run, as events
- logs: the events as lines of a log
- observing: the state of a server, as /health shows it
- metrics: the state of a server, as Prometheus reads it
- web: /metrics and /health over HTTP
- scores: /score beside them
- unscheduled: /score without a schedule
- wire: where MySQL's clients are answered
- mysql: these clients, without a schedule
- signals: SIGTERM and SIGINT
- stopping: how a run is asked to end
- worker: the thread that runs, and its connection
- server: all of them, until a signal
"""
