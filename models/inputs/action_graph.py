"""Actions that know their neighbours: graph attention over observed transitions."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.events.inputs import Inputs
from sqlscore.models.config import ModelConfig
from sqlscore.models.inputs.embedding import EventEmbedding

HEADS = 4


class GraphEmbedding(EventEmbedding):
    """An `EventEmbedding` whose action vectors are those of GATv2 (Brody et al. 2022, arXiv 2105.14491, eq. 7 and 6).

    e_ij = a' LeakyReLU(W_l h_i + W_r h_j + w_e s_ij);  alpha_ij = softmax over j in N(i) of e_ij
    h'_i = h_i + W_o [over heads: sum_j alpha_ij W_r h_j]

    N(i): the actions that were observed right before i, and i itself; s_ij is the log share of i in what followed
    j (0 for i itself). h_i is the action's own vector plus its name's. `frozen`, the table that scoring reads,
    holds h', so that the graph costs nothing there. Never-seen actions have no edges, and are read by name.
    """

    sources: Tensor
    targets: Tensor
    shares: Tensor

    def __init__(self, config: ModelConfig, inputs: Inputs) -> None:
        super().__init__(config, inputs)
        size = config.embedding
        self.heads = HEADS
        self.left = nn.Linear(size, size)
        self.right = nn.Linear(size, size, bias=False)
        self.by_share = nn.Parameter(torch.zeros(size))
        self.score = nn.Parameter(torch.randn(HEADS, size // HEADS) * (size // HEADS) ** -0.5)
        self.out = nn.Linear(size, size, bias=False)
        nn.init.normal_(self.out.weight, std=0.02)  # starts near the plain embedding
        itself = torch.arange(1, self.known + 1)
        self.register_buffer("sources", itself)
        self.register_buffer("targets", itself)
        self.register_buffer("shares", torch.zeros(self.known))

    def connect(self, sources: Tensor, targets: Tensor, shares: Tensor) -> None:
        """Set the edges; a loop at every action is added.

        Args:
            sources: int64 (G,), the codes 1..V that edges come from.
            targets: int64 (G,), the codes 1..V that they lead to.
            shares: (G,), the log share of the target in what followed the source.
        """
        itself = torch.arange(1, self.known + 1)
        other = sources != targets
        self.sources = torch.cat([itself, sources[other]])
        self.targets = torch.cat([itself, targets[other]])
        self.shares = torch.cat([torch.zeros(self.known), shares[other]])

    def neighbours(self, actions: int = 1_000, most: int = 8) -> list[tuple[int, int, float]]:
        """The neighbours that weigh most, as the mean over heads.

        Args:
            actions: how many of the most frequent actions to list.
            most: how many neighbours of each, the strongest first.

        Returns:
            (to, from, weight), actions as codes.
        """
        with torch.no_grad():
            weight = self.attention(self.names() + self.action.weight).mean(1)  # (G,)
        order = torch.argsort(weight, descending=True, stable=True)
        order = order[torch.argsort(self.targets[order], stable=True)]
        to, sources = self.targets[order], self.sources[order]
        rank = torch.arange(len(to)) - torch.searchsorted(to, to)
        kept = (rank < most) & (to <= actions)
        return list(zip(to[kept].tolist(), sources[kept].tolist(), weight[order][kept].tolist(), strict=True))

    def actions(self, names: Tensor) -> Tensor:
        """(V + 1, E) -> (V + 1, E): h'; no action has no neighbours."""
        h = names + self.action.weight
        right = self.right(h).view(-1, self.heads, h.shape[1] // self.heads)[self.sources]  # (G, heads, d)
        alpha = self.attention(h).unsqueeze(2)  # (G, heads, 1)
        gathered = torch.zeros_like(h).view(-1, self.heads, h.shape[1] // self.heads)
        gathered = gathered.index_add(0, self.targets, alpha * right)  # (V + 1, heads, d)
        mixed: Tensor = h + self.out(gathered.flatten(1))
        return mixed

    def attention(self, h: Tensor) -> Tensor:
        """(V + 1, E) -> alpha (G, heads); those into each action sum to 1 in every head."""
        both = self.left(h)[self.targets] + self.right(h)[self.sources] + self.shares.unsqueeze(1) * self.by_share
        e = (F.leaky_relu(both, 0.2).view(-1, self.heads, h.shape[1] // self.heads) * self.score).sum(2)  # (G, heads)
        into = self.targets.unsqueeze(1).expand_as(e)
        largest = torch.zeros(h.shape[0], self.heads, device=h.device).scatter_reduce(
            0, into, e.detach(), "amax", include_self=False
        )
        weight = torch.exp(e - largest[self.targets])
        total = torch.zeros(h.shape[0], self.heads, device=h.device).index_add(0, self.targets, weight)
        return weight / total[self.targets]
