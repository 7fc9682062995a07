"""SQL that other people send: what it may say, and a connection on which it can do no harm."""
