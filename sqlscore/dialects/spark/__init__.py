"""Apache Spark 4.3 with a UTC session in ANSI mode."""
