"""Small exports in the form that vendors document, and what happened: the truth that a preset has to recover.

Each file makes the export of one tool, as a table or JSON lines in a folder, out of the same visits (`visits.py`):
people look around before they log in, several events happen at one moment, rows are delivered twice, some come late.
"""
