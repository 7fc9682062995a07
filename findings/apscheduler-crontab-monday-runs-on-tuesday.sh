#!/usr/bin/env bash
# Library: apscheduler 3.11.3, croniter 7.0.0
# Guess: CronTrigger.from_crontab() reads a line of a crontab as cron does, so "0 9 * * 1" is nine on Mondays and
#   "0 9 * * 1-5" leaves the weekend out.
# What happens: it numbers the days from 0 for Monday, where cron has 0 for Sunday: 1 is Tuesday, 1-5 is Tuesday to
#   Saturday, and 7, cron's other Sunday, raises. A day of the month and one of the week, of which cron asks for either
#   ("0 9 13 * 5": the 13th, and each Friday), must both hold: of 61 days of 2026 one is left, a Saturday. Names
#   (mon-fri) mean the same in both.
# Source: observed; the documentation of day_of_week says 0 is Monday, that of from_crontab() sends to the format of cron.
# In sqlscore: serve reads no line of a crontab; its timetable is a span or times of the day (sqlscore/serving/timetable.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq apscheduler==3.11.3 croniter==7.0.0
"$work/venv/bin/python" - <<'PY'
import sys
from datetime import datetime, timezone
from importlib.metadata import version

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter

print("apscheduler", version("apscheduler"), "croniter", version("croniter"))
begin, end = datetime(2026, 1, 1, tzinfo=timezone.utc), datetime(2027, 1, 1, tzinfo=timezone.utc)


def scheduled(line):
    trigger, last, now = CronTrigger.from_crontab(line, timezone=timezone.utc), None, begin
    while (last := trigger.get_next_fire_time(last, now)) and last < end:
        yield last
        now = last


def as_cron(line):
    times = croniter(line, begin)
    while (at := times.get_next(datetime)) < end:
        yield at


def days(times):
    times = list(times)
    seen = {f"{at:%a}" for at in times}
    return len(times), " ".join(day for day in "Mon Tue Wed Thu Fri Sat Sun".split() if day in seen)


recorded = {
    "0 9 * * 1": ((52, "Tue"), (52, "Mon")),
    "0 9 * * 1-5": ((261, "Tue Wed Thu Fri Sat"), (261, "Mon Tue Wed Thu Fri")),
    "0 9 * * mon-fri": ((261, "Mon Tue Wed Thu Fri"), (261, "Mon Tue Wed Thu Fri")),
    "0 9 13 * 5": ((1, "Sat"), (61, "Mon Tue Wed Thu Fri Sat Sun")),
}
for line, expected in recorded.items():
    seen = days(scheduled(line)), days(as_cron(line))
    print(f"{line}: apscheduler {seen[0]}; cron {seen[1]}")
    if seen != expected:
        sys.exit(f"{expected} was recorded: a library has changed")
try:
    CronTrigger.from_crontab("0 9 * * 7")
except ValueError as error:
    print("0 9 * * 7:", error)
else:
    sys.exit("7 was refused: apscheduler has changed")
PY
