"""Optimisers for class weights and embeddings of which a step uses few rows.

An ordinary optimiser changes every row in every step: momentum goes on, weight decay shrinks. With ten million classes
that is the whole cost of a step. These optimisers touch only the rows that have a gradient. A row that comes back is
first *caught up*: all steps that it missed are made at once. Rows are therefore those of the ordinary optimiser on the
same gradients, up to rounding.

They take parameters with sparse gradients, such as those of :class:`softnce.head.InfoNCEHead` and of
``torch.nn.Embedding(sparse=True)``; give all other parameters to an optimiser of PyTorch::

    head = InfoNCEHead(256, 10_000_000)
    rows = softnce.optim.RowAdamW(head.rows.parameters(), lr=1e-3, weight_decay=0.01)
    body = torch.optim.AdamW(network.parameters(), lr=1e-3)

A network must read rows that are up to date. ``InfoNCEHead`` sees to that by itself. For ``torch.nn.Embedding`` and
``torch.nn.EmbeddingBag`` call ``optimizer.watch(network)`` once. Before anything else reads a parameter (evaluation
that reads ``weight`` directly, saving or copying the network), call ``optimizer.catch_up()``.

| optimiser | state of a row of D values | time to catch up k steps |
| --- | --- | --- |
| :class:`RowSGD` with momentum | D | O(log k), then O(D) |
| :class:`RowAdamW` | 2 D | O(min(k, J)), then n times O(D) |
| :class:`RowAdagrad` | 1 | O(1), then O(D) with weight decay |

With the default betas of AdamW J is 240 and n is 6; with betas (0.9, 0.95) they are 320 and 40, with (0.95, 0.95) 1,040
and 120. All optimisers keep the learning rate and the weight decay of each step, RowSGD also 8 numbers that it makes of
them, and the step in which each row was changed last (int32).
"""

from softnce.optim._adagrad import RowAdagrad
from softnce.optim._adamw import RowAdamW
from softnce.optim._sgd import RowSGD

__all__ = ["RowAdagrad", "RowAdamW", "RowSGD"]
