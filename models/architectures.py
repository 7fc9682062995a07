"""The one mapping from an architecture's name to what builds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from sqlscore.events.inputs import Inputs
from sqlscore.models.config import ModelConfig
from sqlscore.models.encoders.attention_rnn import AttentionRNN
from sqlscore.models.encoders.cnn_bigru import CNNBiGRU
from sqlscore.models.encoders.gru import GRU
from sqlscore.models.encoders.lstm import LSTM
from sqlscore.models.encoders.markov import Markov
from sqlscore.models.encoders.mingru import MinGRU
from sqlscore.models.encoders.recent_window import RecentWindow
from sqlscore.models.encoders.recurrent import Recurrent
from sqlscore.models.encoders.transformer import Transformer
from sqlscore.models.heads import MOST_DIRECT, Heads
from sqlscore.models.inputs.action_graph import GraphEmbedding
from sqlscore.models.inputs.embedding import EventEmbedding
from sqlscore.models.inputs.features import Features
from sqlscore.models.inputs.summary import Summary
from sqlscore.models.wholes.prefixes import PrefixModel
from sqlscore.models.wholes.scanned import ScannedModel
from sqlscore.models.wholes.sequence_model import SequenceModel
from sqlscore.models.wholes.tabled import TabledModel
from sqlscore.models.wholes.window_model import AttentionModel, WindowModel
from sqlscore.scoring.tables import longest_order


@dataclass(frozen=True)
class Architecture:
    """How to build a family of models.

    Attributes:
        build: makes an untrained model of this family.
        fold: a state can be advanced with new events alone.
        max_events: how many of the newest events are read; None for all.
        counted: nothing is trained: the model's tables are counted (`training.learning.counting.count_into`).
    """

    build: Callable[[ModelConfig, Inputs], nn.Module]
    fold: bool
    max_events: int | None
    counted: bool = False


def around(encoder: nn.Module, size: int, config: ModelConfig, inputs: Inputs, read: int = 0) -> SequenceModel:
    """The shared inputs, summaries and heads around an encoder that reads all events.

    Args:
        encoder: maps event vectors (T, E) to states of `size` floats.
        size: width H of the encoder's state.
        config: sizes and time scales.
        inputs: the vocabularies and columns that the model reads.
        read: how many floats of the state, from the first, the heads read; 0 for all.
    """
    summary, heads = _beside(read or size, config, inputs)
    kind: type[SequenceModel] = SequenceModel
    if isinstance(encoder, MinGRU):
        kind = ScannedModel
    elif isinstance(encoder, Recurrent):
        kind = TabledModel
    return kind(EventEmbedding(config, inputs), encoder, size, summary, heads)


def windowed(
    kind: type[WindowModel], encoder: nn.Module, size: int, config: ModelConfig, inputs: Inputs, window: int
) -> WindowModel:
    """The shared inputs, summaries and heads around an encoder of the newest events.

    Args:
        kind: the class of the whole model.
        encoder: maps event vectors (T, E) to states of `size` floats.
        size: width H of the encoder's state.
        config: sizes and time scales.
        inputs: the vocabularies and columns that the model reads.
        window: how many of the newest events the model reads.
    """
    summary, heads = _beside(size, config, inputs)
    return kind(EventEmbedding(config, inputs), encoder, size, summary, heads, window)


def _beside(read: int, config: ModelConfig, inputs: Inputs) -> tuple[Summary, Heads]:
    actions = len(inputs.actions)
    summary = Summary(
        min(config.counted_actions, actions), len(inputs.numeric), config.decay_seconds, config.visit_gap_seconds
    )
    direct = actions <= MOST_DIRECT if config.direct is None else config.direct
    return summary, Heads(read, Features(summary), actions, config.width, config.dropout, direct)


def _gru(config: ModelConfig, inputs: Inputs) -> nn.Module:
    return around(GRU(config.embedding, config.hidden), config.hidden, config, inputs)


def _lstm(config: ModelConfig, inputs: Inputs) -> nn.Module:
    return around(LSTM(config.embedding, config.hidden), 2 * config.hidden, config, inputs, read=config.hidden)


def _mingru(config: ModelConfig, inputs: Inputs) -> nn.Module:
    encoder = MinGRU(config.embedding, config.hidden, layers=2)
    return around(encoder, encoder.size, config, inputs)


WINDOW = 256  # newest events that attention reads
PREFIX = 64  # newest events that are read anew at every event


def _transformer(config: ModelConfig, inputs: Inputs) -> nn.Module:
    encoder = Transformer(config.embedding, config.hidden, layers=2, heads=4, dropout=config.dropout)
    return windowed(AttentionModel, encoder, config.hidden, config, inputs, WINDOW)


def _attention_rnn(config: ModelConfig, inputs: Inputs) -> nn.Module:
    encoder = AttentionRNN(config.embedding, config.hidden, config.attention, config.dropout)
    return windowed(AttentionModel, encoder, config.hidden, config, inputs, WINDOW)


def _recent_window(config: ModelConfig, inputs: Inputs) -> nn.Module:
    encoder = RecentWindow(config.embedding, config.hidden, events=8, dropout=config.dropout)
    return around(encoder, encoder.size, config, inputs, read=config.hidden)


def _cnn_bigru(config: ModelConfig, inputs: Inputs) -> nn.Module:
    encoder = CNNBiGRU(config.embedding, config.hidden, config.dropout)
    return windowed(PrefixModel, encoder, encoder.size, config, inputs, PREFIX)


def _gat_mingru(config: ModelConfig, inputs: Inputs) -> nn.Module:
    encoder = MinGRU(config.embedding, config.hidden, layers=2)
    model = around(encoder, encoder.size, config, inputs)
    model.embedding = GraphEmbedding(config, inputs)
    return model


def _markov(config: ModelConfig, inputs: Inputs) -> nn.Module:
    return Markov(config, inputs, longest_order(len(inputs.actions), 3))


ARCHITECTURES: dict[str, Architecture] = {
    "gru": Architecture(_gru, fold=True, max_events=None),
    "lstm": Architecture(_lstm, fold=True, max_events=None),
    "mingru": Architecture(_mingru, fold=True, max_events=None),
    "transformer": Architecture(_transformer, fold=False, max_events=WINDOW),
    "attention_rnn": Architecture(_attention_rnn, fold=False, max_events=WINDOW),
    "recent_window": Architecture(_recent_window, fold=True, max_events=None),
    "cnn_bigru": Architecture(_cnn_bigru, fold=False, max_events=PREFIX),
    "gat_mingru": Architecture(_gat_mingru, fold=True, max_events=None),
    "markov": Architecture(_markov, fold=True, max_events=None, counted=True),
}
