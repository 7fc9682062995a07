"""Scores for applications while they wait: `POST /score` of `sqlscore serve --score`.

- limits: what a request may take
- refusals: why a request is not answered, as field, value and remedy
- calls: which functions a request asks for
- shapes: which fields an event has
- asked: a request, read and checked
- scoring: many requests as one batch
- answers: scores as JSON or Arrow
- batching: requests that wait together are scored together
- tokens: who may ask
- counting: what Prometheus sees of it
- openapi: the description for machines and people
- api: the pages over HTTP
"""
