"""Plots: the figures are those that evaluate gives, files are what their names say, labels can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread

import sqlscore
from sqlscore.errors import MappingError, ModelError, PlotError
from sqlscore.reporting.plots.drawer import KINDS, drawer
from sqlscore.reporting.plots.evidence import Evidence
from sqlscore.reporting.plots.judged import confusion, precision_recall, reliability
from sqlscore.reporting.plots.style import labels, save, shortened
from sqlscore.simulation.shop import simulate_shop

UNSAID: tuple[Any, ...] = (None, "events", None)  # model, mapping and user by default
MAGIC = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}


@pytest.fixture(scope="module")
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    """gru@1 with a churn head is champion; look@1 attends to events, graph@1 to actions, counted@1 has no epochs."""
    con = sqlscore.connect()
    con.from_arrow(simulate_shop(users=100).events).create("events")
    sqlscore.map_events(con, "events")
    sqlscore.train(con, name="gru", horizon="14 days", max_epochs=2)
    for name, architecture in (("look", "transformer"), ("graph", "gat_mingru"), ("counted", "markov")):
        sqlscore.train(con, name=name, architecture=architecture, churn=False, max_epochs=1, promote=False)
    yield con
    con.close()


def evidence(actions: tuple[str, ...], seed: int = 0) -> Evidence:
    """Predictions made by hand: 4,000 next actions of which the first is the commonest, no churn."""
    random = np.random.default_rng(seed)
    shares = 1 / np.arange(1, len(actions) + 1)
    actual = random.choice(len(actions), 4_000, p=shares / shares.sum()) + 1
    best = np.where(random.random(4_000) < 0.6, actual, 1)
    frequent = random.random((4_000, min(6, len(actions)))).astype(np.float32)
    none = np.zeros(0)
    return Evidence(
        actions, actual, best, random.random(4_000), frequent, none.astype(np.bool_), none, 0, 86_400_000_000
    )


def image(axes: Axes) -> np.ma.MaskedArray:
    """The numbers that the axes show as colours."""
    return np.ma.asarray(axes.images[0].get_array())


def texts(figure: Figure) -> str:
    """All that is written outside of the axes' ticks."""
    found = [figure.get_suptitle(), *(text.get_text() for text in figure.texts)]
    for axes in figure.axes:
        found += [axes.get_title(loc="left"), *(text.get_text() for text in axes.texts)]
        legend = axes.get_legend()
        found += [text.get_text() for text in legend.get_texts()] if legend else []
    return "\n".join(found)


@pytest.mark.parametrize("suffix", sorted(MAGIC))
@pytest.mark.slow
def test_a_plot_is_the_kind_of_file_that_its_name_says(
    shop: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str
) -> None:
    path = sqlscore.plot(shop, "learning-curves", tmp_path / f"curves{suffix}")
    assert path.read_bytes().startswith(MAGIC[suffix])
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_something(shop: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str) -> None:
    """With the model, the events' name and how much it is about above it."""
    model = {"attention": "look@1", "action-attention": "graph@1"}.get(kind, "gru@1")
    figure = drawer(shop, model, "events")(kind)
    save(figure, tmp_path / "plot.png")
    assert imread(tmp_path / "plot.png")[:, :, :3].std() > 0.05
    said = texts(figure)
    assert model in said
    assert 'mapped as "events"' in said
    assert re.search(r"[\d,]+ (events|training|next actions)|test part", said)
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d to 20", said)


@pytest.mark.parametrize("n_actions", [1, 2, 4, 14])
def test_a_plot_is_wide_enough_for_its_title_and_facts(n_actions: int) -> None:
    """Few actions make a small matrix, and the date of a fact was cut."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = confusion(evidence(tuple(f"a{i}" for i in range(n_actions))), "shop@1, " + "x" * 90)
    renderer = FigureCanvasAgg(figure).get_renderer()
    for text in figure.texts:
        assert text.get_window_extent(renderer).x1 <= figure.bbox.x1
    assert "churn" not in texts(figure)


def test_an_action_that_never_happened_has_no_shares() -> None:
    """A row of zeros would read as data."""
    made = evidence(("a", "b", "c"))
    figure = confusion(replace(made, actual=np.where(made.actual == 3, 1, made.actual), best=made.actual), "facts")
    shares = np.ma.filled(image(figure.axes[0]), np.nan)
    assert np.isnan(shares[2]).all()
    np.testing.assert_allclose(shares[:2].sum(1), 1)


def test_small_risks_fill_the_panel_and_few_examples_have_small_marks() -> None:
    made = evidence(("a", "b"))
    risk = np.append(np.full(2_000, 0.02), np.full(5, 0.15))
    figure = reliability(replace(made, churned=np.arange(len(risk)) % 50 == 0, risk=risk), "facts")
    churn = figure.axes[1]
    assert churn.get_xlim()[1] < 0.3
    legend = churn.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()][1:] == [
        "how often it came true, 95 % interval",
        "the same, fewer than 30 examples",
    ]


def test_plots_say_what_evaluate_says(shop: duckdb.DuckDBPyConnection) -> None:
    """Two figures for one thing would be one too many."""
    judged = sqlscore.evaluate(shop)
    draw = drawer(shop, None, "events")
    assert f"{judged['next_action']['accuracy']:.1%} as predicted" in texts(draw("confusion"))
    assert f"{judged['next_action']['n']:,} next actions" in texts(draw("confusion"))
    said = texts(draw("reliability"))
    assert f"next action: ECE {judged['next_action']['ece']:.3f}, n {judged['next_action']['n']:,}" in said
    assert f"churn: ECE {judged['churn']['ece']:.3f}, n {judged['churn']['n']:,}" in said
    chance = judged["churn"]["base_rate"]
    assert f"churn: AP {judged['churn']['pr_auc']:.2f} [{chance:.2f}]" in texts(draw("precision-recall"))


def test_the_learning_curves_are_the_epochs_that_training_noted(shop: duckdb.DuckDBPyConnection) -> None:
    noted = next(info for info in sqlscore.list_models(shop) if info.label == "gru@1").notes["training"]
    figure = drawer(shop, "gru@1", "events")("learning-curves")
    drawn = [axes.lines[0].get_ydata().tolist() for axes in figure.axes]
    assert drawn[:2] == [[epoch[key] for epoch in noted["history"]] for key in ("train_loss", "next_action")]
    assert f"epoch {noted['best_epoch']}, whose weights were kept" in texts(figure)


def test_a_model_keeps_its_curves_when_it_is_carried_to_another_file(
    shop: duckdb.DuckDBPyConnection, con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    sqlscore.export_model(shop, "gru@1", tmp_path / "gru.sqlscore")
    con.from_arrow(shop.sql("FROM events").to_arrow_table()).create("events")
    sqlscore.map_events(con, "events")
    sqlscore.import_model(con, tmp_path / "gru.sqlscore", promote=True)
    assert sqlscore.plot(con, "learning-curves", tmp_path / "curves.svg").exists()


def test_attention_of_a_user_sees_no_later_event(shop: duckdb.DuckDBPyConnection) -> None:
    """Each row is what was attended to at that event, and sums to 1."""
    user, events = shop.execute(
        "SELECT user_id, count(*) FROM events GROUP BY user_id HAVING count(*) BETWEEN 5 AND 20 ORDER BY user_id"
    ).fetchall()[0]
    shares = image(drawer(shop, "look@1", "events", str(user))("attention").axes[0])
    assert shares.shape == (events, events)
    assert np.ma.getmaskarray(shares).tolist() == np.triu(np.ones((events, events)), 1).astype(bool).tolist()
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)


def test_attention_of_a_long_history_shows_the_newest_and_the_sum_of_the_rest(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    user, events = shop.execute(
        "SELECT user_id, count(*) AS n FROM events GROUP BY user_id ORDER BY n DESC, user_id LIMIT 1"
    ).fetchall()[0]
    axes = drawer(shop, "look@1", "events", str(user))("attention").axes[0]
    assert events > 20
    assert axes.get_xticklabels()[0].get_text() == f"the {events - 20:,} before"
    rest = [float(text.get_text().rstrip("%")) / 100 for text in axes.texts]
    np.testing.assert_allclose(np.ma.filled(image(axes), 0).sum(1) + rest, 1, atol=0.006)


def test_rows_of_the_confusion_matrix_sum_to_one_and_rare_actions_are_one_row() -> None:
    found = evidence(tuple(f"action {number}" for number in range(30)))
    figure = confusion(found, "facts")
    shares = image(figure.axes[0])
    names = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    often = np.argsort(-np.bincount(found.actual)[1:], kind="stable")[:12]
    assert names == [*(f"action {number}" for number in often), "other"]
    np.testing.assert_allclose(shares.sum(1), 1)
    counts = [int(re.sub(r".*\(|\)|,", "", label.get_text())) for label in figure.axes[0].get_yticklabels()]
    assert sum(counts) == 4_000


def test_an_action_that_training_never_saw_is_among_the_others() -> None:
    found = evidence(("view", "buy"))
    found.actual[:10] = 0
    figure = confusion(found, "facts")
    assert figure.axes[0].get_yticklabels()[-1].get_text() == "other  (10)"


def test_long_names_do_not_overlap() -> None:
    """Names as real logs have them: long, alike, with signs that mean something to the drawing library."""
    names = tuple(f"checkout/$step_{number}$ of the {'very ' * 9}long form, page {number}" for number in range(14))
    figure = confusion(evidence(names), "facts about it")
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert all(above.y0 >= below.y1 for above, below in pairwise(boxes))
    assert all(box.x0 >= 0 for box in boxes)
    title = figure.texts[0].get_window_extent()
    assert title.y0 >= max(axes.get_window_extent().y1 for axes in figure.axes)


def test_short_names_stay_apart() -> None:
    """Two actions that differ in the middle alone may not share a label."""
    long = ["a" * 40 + number + "z" * 40 for number in "12"]
    first, second = labels(long)
    assert first != second
    assert len(shortened(long[0])) == 30
    assert labels(["US$"]) == [r"US\$"]


def test_a_test_part_with_nothing_in_it_is_said() -> None:
    """A model may be judged after its events were deleted."""
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    empty = Evidence(("view",), none, none, nothing, np.zeros((0, 1), np.float32), none > 0, nothing, 0, 0)
    for draw in (confusion, reliability, precision_recall):
        with pytest.raises(PlotError, match="no user has an event after another in the test part"):
            draw(empty, "facts")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("loss", "a.png"), PlotError, 'no plot "loss": choose one of learning-curves, confusion'),
        (("confusion", "a.gif"), PlotError, r'written as .png, .svg, .pdf, and ".*a.gif" ends in none'),
        (("confusion", "nowhere/a.png"), PlotError, 'no folder ".*nowhere" for a.png'),
        (("learning-curves", "a.png", "counted@1"), PlotError, "markov is fitted in one pass by counting"),
        (("attention", "a.png", "gru@1"), PlotError, r"gru@1 \(gru\) has no attention: train a transformer"),
        (("action-attention", "a.png", "gru@1"), PlotError, "gat_mingru for attention between actions"),
        (("confusion", "a.png", "nobody@1"), ModelError, "no model 'nobody@1'"),
        (("confusion", "a.png", None, "orders"), MappingError, 'no events are mapped as "orders"'),
        (("attention", "a.png", "look@1", "events", "nobody"), PlotError, 'user_id = "nobody"'),
        (("confusion", "a.png", None, "events", "7"), PlotError, 'only the plot "attention" shows a user'),
    ],
)
def test_what_cannot_be_drawn_is_said_and_leaves_no_file(
    shop: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    arguments: tuple[str, ...],
    error: type[Exception],
    message: str,
) -> None:
    kind, name, model, mapping, user = arguments + UNSAID[len(arguments) - 2 :]
    with pytest.raises(error, match=message):
        sqlscore.plot(shop, kind, tmp_path / name, model=model, mapping=mapping, user_id=user)
    assert list(tmp_path.iterdir()) == []
