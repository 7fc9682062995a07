"""What PostgreSQL, BigQuery and Snowflake have in common as targets: the rules, with the words of each."""
