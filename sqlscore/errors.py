"""Every error that sqlscore raises on purpose.

    SqlscoreError
    ├── EventsError       the events that were given: a column, a type, a value, two users in one group
    │   └── GuardError    incoming events that a guard refuses: see sqlscore.guards
    ├── MappingError      what is not mapped, or cannot be
    │   └── SourceError   a database or an extension that mapped events need and that cannot be had
    ├── ModelError        no model, no such version, a head that the model lacks
    │   └── ArtifactError a damaged, foreign or wrongly hashed artifact
    ├── TrainingError     the data cannot support what was asked for
    ├── ServingError      a schedule, its policy or its server: an option, another server, a run that failed
    ├── PublishError      a target that cannot be published to, or a table that cannot go there
    ├── TrackingError     MLflow or its store is not there, or fails
    ├── PlotError         a plot that this model does not have, or a file that it cannot be written to
    ├── OutputError       a format or a file that a result cannot be written to
    ├── TranspileError    SQL that means something else on another engine
    ├── SparkError        a Spark session, or what is to be read or written there, that cannot be used
    ├── StatementError    SQL that somebody else sent, and that may not run
    ├── DecisionError     a playbook, an assignment or a hand-over that cannot be done as asked
    ├── LintError         SQL that cannot be read, or that tells a model the future
    └── InstallError      the database file: its version, its name, a name that is taken
        ├── LostTablesError tables or views of sqlscore that somebody dropped
        └── DamagedTableError a table of sqlscore in which somebody changed a column or a value

A message says what was found, what was expected and what to do. DuckDB shows a SQL user
nothing but the message, so everything is in it.
"""


class SqlscoreError(Exception):
    """Base of all errors that a user can mend; the command line prints them without a traceback."""


class EventsError(SqlscoreError):
    """The events that were passed to a function cannot be scored as they are."""


class GuardError(EventsError):
    """The events differ so much from those before that they are not scored unless they are accepted.

    `guards` holds what each guard of the file said: ok, note, warn or refuse. `mapping` names the mapping.
    """

    def __init__(self, message: str, guards: dict[str, str] | None = None, mapping: str = "") -> None:
        """Args as in `guards` and `mapping` above."""
        super().__init__(message)
        self.guards = guards or {}
        self.mapping = mapping


class GuardWarning(UserWarning):
    """What a guard warns of; the events are scored."""


class MappingError(SqlscoreError):
    """An events table is not mapped, or cannot be mapped as asked."""


class SourceError(MappingError):
    """The events are in another database that cannot be read now, or cannot be read on this machine."""


class SourceWarning(UserWarning):
    """A database that mapped events are in cannot be read; what reads them fails."""


class ModelError(SqlscoreError):
    """No such model, or the model lacks what is asked for."""


class ArtifactError(ModelError):
    """An artifact is damaged, has another hash than the registry's, or is of another format."""


class TrainingError(SqlscoreError):
    """The data cannot support the training that was asked for."""


class ServingError(SqlscoreError):
    """A scheduled run, its policy or the server that makes it cannot do what was asked for."""


class PublishError(SqlscoreError):
    """Tables cannot be published as asked; what was there before is still there."""


class TrackingError(SqlscoreError):
    """A model cannot be tracked: MLflow is not installed, or its store fails."""


class PlotError(SqlscoreError):
    """This plot cannot be drawn for this model, or cannot be written to that file."""


class OutputError(SqlscoreError):
    """A result cannot be written in this format, or to that file."""


class TranspileError(SqlscoreError):
    """SQL that another engine cannot run with the same result."""


class SparkError(SqlscoreError):
    """A Spark session cannot score as DuckDB does, or cannot read or write what it is asked to."""


class StatementError(SqlscoreError):
    """A statement of somebody else that may not run, or did not end in time.

    `about` says what was wrong, for those who translate errors into codes: "form" (it cannot be read, or is too long),
    "kind" (it is no SELECT), "function", "table", "setting" or "time"; empty where the engine refused it.
    """

    def __init__(self, message: str, about: str = "") -> None:
        """Args as in `about` above."""
        super().__init__(message)
        self.about = about


class DecisionError(SqlscoreError):
    """A row of the playbook, a choice or an assignment that cannot be done as asked."""


class LintError(SqlscoreError):
    """SQL that the linter cannot read, or that shows a model what came after the moment it speaks of."""


class InstallError(SqlscoreError):
    """The database file cannot take sqlscore's objects."""


class LostTablesError(InstallError):
    """Tables or views that sqlscore made in the file are gone."""


class DamagedTableError(InstallError):
    """A column or a value of a table that sqlscore made in the file is not as sqlscore wrote it."""
