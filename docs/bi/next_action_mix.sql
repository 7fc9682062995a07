-- How many users are expected to do what next, from the three likeliest actions of each: a pie or bar chart.
SELECT likely.action, sum(likely.probability) AS expected_users
FROM sqlscore.scored_users AS u
CROSS JOIN LATERAL (VALUES
    (u.next_action_1, u.next_action_1_probability),
    (u.next_action_2, u.next_action_2_probability),
    (u.next_action_3, u.next_action_3_probability)
) AS likely (action, probability)
WHERE likely.action IS NOT NULL
GROUP BY likely.action
ORDER BY expected_users DESC;
