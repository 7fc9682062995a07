"""All that was found in several texts, for people, for scripts and for code review."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlscore.linting.findings import Finding
from sqlscore.linting.proof import Proof
from sqlscore.linting.rules import NAMES, RULES

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True)
class LintReport:
    """What the linter says.

    Attributes:
        findings: what counts, errors first.
        allowed: what comments allow, with their reasons.
        unread: texts that could not be read, with the reason.
        n_texts: how many were read.
        proofs: what running the queries showed, if that was asked for.
    """

    findings: tuple[Finding, ...]
    allowed: tuple[Finding, ...] = ()
    unread: tuple[str, ...] = ()
    n_texts: int = 1
    proofs: tuple[Proof, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings of severity error."""
        return tuple(one for one in self.findings if one.severity == "error")

    @property
    def is_clean(self) -> bool:
        """Whether there is neither an error nor a difference that a run showed."""
        return not self.errors and not any(proof.leaks for proof in self.proofs)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings)) if self.findings else "no leak found"


def as_sarif(findings: Iterable[Finding], version: str) -> dict[str, Any]:
    """Findings in SARIF 2.1.0, which code review on GitHub and elsewhere reads.

    Args:
        findings: What was found.
        version: Of sqlscore.
    """
    about = {rule.__name__.replace("_", "-"): (rule.__doc__ or "").strip() for rule in RULES}
    results = [
        {
            "ruleId": one.rule,
            "level": one.severity,
            "message": {"text": f'column "{one.column}": {one.message}' if one.column else one.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": one.place.rpartition(", line ")[0] or one.place},
                        "region": {"startLine": one.line, "snippet": {"text": one.sql}},
                    }
                }
            ],
        }
        for one in findings
    ]
    rules = [{"id": name, "shortDescription": {"text": about[name]}} for name in NAMES]
    driver = {"name": "sqlscore lint", "version": version, "rules": rules}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
