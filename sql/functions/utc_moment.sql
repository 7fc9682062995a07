-- Text with an offset is a TIMESTAMPTZ; a branch that does not apply is never computed, whatever the type.
CREATE OR REPLACE MACRO sqlscore.utc_moment(moment) AS
MAKE_TIMESTAMP(COALESCE(CASE
    WHEN TYPEOF(moment) LIKE 'TIMESTAMP%Z%'
        OR (
            TYPEOF(moment) = 'VARCHAR'
            AND REGEXP_MATCHES(CAST(moment AS VARCHAR), '\d:\d\d[\d:.]*\s*(Z|UTC|[+-]\d\d(:?\d\d)?)$', 'i')
        )
        THEN EPOCH_US(CAST(moment AS TIMESTAMPTZ))
    ELSE EPOCH_US(CAST(moment AS TIMESTAMP))
END, CASE WHEN moment IS NOT NULL THEN ERROR('as_of is infinite: pass a time, such as TIMESTAMP ''2025-03-01''') END));

COMMENT ON MACRO sqlscore.utc_moment IS
'TIMESTAMP: a moment as UTC, of a TIMESTAMP, DATE or text (which are UTC unless the text says otherwise) or a TIMESTAMPTZ.';
