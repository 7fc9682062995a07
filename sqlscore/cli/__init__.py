"""The command line `sqlscore`: one command a verb, and a way to run SQL with the functions in place.

`main` is the entry point. Nothing heavy is imported until a command runs: `--help` needs no engine, no torch.
"""


def main() -> None:
    """Run the command line with the process's arguments; exits the process (see `errors.py` for the codes)."""
    import sys
    import warnings

    try:
        from sqlscore.cli.app import app
        from sqlscore.cli.errors import show_warning
    except KeyboardInterrupt:
        sys.exit(130)
    warnings.showwarning = show_warning
    app()
