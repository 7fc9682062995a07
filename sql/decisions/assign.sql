-- The first 52 bits of a hash that every database and language has, as a number in [0, 1).
CREATE OR REPLACE MACRO sqlscore.assign(user_id, which, held_out := 0.1, seed := 0) AS
CASE
    WHEN NOT (held_out >= 0 AND held_out < 1) THEN ERROR('held_out must be a share from 0 to less than 1, such as 0.1')
    WHEN user_id IS NULL OR which IS NULL THEN NULL
    WHEN CAST(
        CONCAT('0x', SUBSTRING(SHA256(CONCAT(seed, CHR(31), which, CHR(31), CAST(user_id AS VARCHAR))), 1, 13)) AS BIGINT
    ) / 4503599627370496 < held_out THEN 'held out'
    ELSE 'treated'
END;

COMMENT ON MACRO sqlscore.assign IS
'VARCHAR, ''treated'' or ''held out'': the variant of a user in an experiment, the same whenever it is asked. Parameters: user_id; which (the name of the experiment); held_out (0.1: the share that is held out); seed (0). It is ''held out'' if the first 13 hexadecimal digits of sha256(seed, which and user_id as text, joined by the character 31), divided by 2^52, are below held_out.';
