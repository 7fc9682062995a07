"""MySQL's protocol for a file that is read: `sqlscore serve DB --mysql PORT`, experimental.

- server: accepts clients, in a thread
- protocol: one client's packets; what the library mysql-mimic has of them, and what it leaves to us
- stream: packets on a socket, with a limit
- logins: a first packet that does not hold what it says is let go
- passwords: who may ask
- session: one client's statements, one at a time, with an end from outside
- statements: which kind of statement a text is, and what answers it
- dialect: MySQL's text to a tree, with its parameters in the order of the text
- translating: that tree as a statement of DuckDB
- functions: MySQL's functions that DuckDB has under another name or meaning
- catalog: tables and columns in the words of MySQL's catalog
- showing: SHOW and DESCRIBE as queries of that catalog
- variables: session variables
- columns: types and values of an answer as packets
- parameters: values of prepared statements from packets
- refusals: MySQL's numbers of errors
- counting: what Prometheus sees of it
"""
