"""The models of a dbt project as SQL: from its manifest where dbt compiled them, else with Jinja filled in.

Templates run in Jinja's sandbox: nothing in a project can reach files, processes or the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sqlscore.errors import LintError
from sqlscore.extras import optional
from sqlscore.linting.lint import Text
from sqlscore.quoting import identifier

_MACRO_FOLDERS = ("macros", "dbt_packages/*/macros")


class _Anything(ChainableUndefined):
    """What is not known: it can be called and looked into, and is empty text."""

    def __call__(self, *_: object, **__: object) -> Any:
        return self


class _Namespace:
    """The macros of a package, by its name."""

    def __init__(self, macros: dict[str, Any]) -> None:
        self._macros = macros

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._macros.get(name, _Anything(name=name))


def project_of(path: Path) -> Path | None:
    """The folder of the dbt project that a file belongs to; None if it is in none."""
    folder = path if path.is_dir() else path.parent
    return next((one for one in (folder, *folder.absolute().parents) if (one / "dbt_project.yml").exists()), None)


def models_of(folder: Path) -> tuple[list[Text], list[str]]:
    """The models of a project with their SQL, and those that could not be filled in, with the reason.

    Args:
        folder: Holds dbt_project.yml.

    Raises LintError if the project's own file cannot be read.
    """
    yaml = optional("yaml", "a dbt project needs PyYAML to be read", extra="dbt", error=LintError)
    try:
        project = yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise LintError(f"{folder / 'dbt_project.yml'} cannot be read: {error}") from error
    compiled = _compiled(folder, str(project.get("target-path") or "target"))
    texts: list[Text] = []
    problems: list[str] = []
    render: Callable[[str, str], str] | None = None
    for path in _files(folder, project):
        name, source = path.stem, path.read_text(encoding="utf-8")
        known = compiled.get(str(path.relative_to(folder)))
        if known is not None and known[0].strip() == source.strip():
            texts.append(Text(str(path), known[1], name))
            continue
        try:
            render = render or _renderer(folder, project)
            texts.append(Text(str(path), render(source, name), name))
        except TemplateError as error:
            problems.append(f"{path}: its Jinja cannot be filled in: {error}; run dbt compile first")
    return texts, problems


def _files(folder: Path, project: dict[str, Any]) -> Iterator[Path]:
    for key, default in (("model-paths", ["models"]), ("analysis-paths", ["analyses"])):
        for name in project.get(key) or default:
            yield from sorted((folder / name).rglob("*.sql"))


def _compiled(folder: Path, target: str) -> dict[str, tuple[str, str]]:
    """Raw and compiled text of each model by its file, as dbt's manifest has them."""
    path = folder / target / "manifest.json"
    if not path.exists():
        return {}
    try:
        nodes = json.loads(path.read_text(encoding="utf-8")).get("nodes", {})
    except (OSError, json.JSONDecodeError):
        return {}
    return {
        node["original_file_path"]: (node.get("raw_code") or "", node["compiled_code"])
        for node in nodes.values()
        if node.get("resource_type") in ("model", "analysis") and node.get("compiled_code")
    }


def _renderer(folder: Path, project: dict[str, Any]) -> Callable[[str, str], str]:
    """Fills in `ref`, `source`, `var`, `config` and the project's own macros."""
    environment = ImmutableSandboxedEnvironment(
        undefined=_Anything, extensions=["jinja2.ext.do"], keep_trailing_newline=True
    )
    variables: dict[str, Any] = {}
    for name, value in (project.get("vars") or {}).items():
        variables |= value if isinstance(value, dict) else {name: value}

    def ref(*names: str, **_: object) -> str:
        return _quoted(names[-1])

    def source(_: str, table: str) -> str:
        return _quoted(table)

    def var(name: str, default: Any = None) -> Any:
        return variables.get(name, default if default is not None else f"${re.sub('[^a-zA-Z0-9_]', '_', name)}")

    known: dict[str, Any] = {
        "ref": ref, "source": source, "var": var, "config": lambda *_, **__: "", "is_incremental": lambda: False,
        "env_var": lambda name, default="": default or name, "return": lambda value: value, "log": lambda *_, **__: "",
        "execute": False, "target": {"name": "dev", "schema": "main", "type": "duckdb", "database": "main"},
        "adapter": {"quote": _quoted}, "run_started_at": _Anything(), "flags": _Anything(), "modules": _Anything(),
    }  # fmt: skip
    environment.globals |= known
    macros: dict[str, Any] = {}
    packages: dict[str, dict[str, Any]] = {str(project.get("name") or ""): macros}
    environment.globals |= {name: _Namespace(held) for name, held in packages.items() if name}
    for pattern in _MACRO_FOLDERS:
        for path in sorted(one for top in folder.glob(pattern) for one in top.rglob("*.sql")):
            try:
                module = environment.from_string(path.read_text(encoding="utf-8")).module
            except (TemplateError, TypeError):
                continue
            macros |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    environment.globals |= macros

    def render(text: str, name: str) -> str:
        return environment.from_string(text).render(this=_quoted(name), model={"name": name})

    return render


def _quoted(name: str) -> str:
    return identifier(str(name))
