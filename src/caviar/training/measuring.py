"""The end of an epoch: every slot of a group is measured in test mode, and its best epoch is kept."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from caviar.training.carried import EVAL_CHUNK, Best, Data, Group, ProgramKey, SlotState, at, rows_of
from caviar.training.choosing import COMPUTED, compared
from caviar.training.step import evaluate_for


def measure(
    state: SlotState, averages: Any, group: Group, data: Data, own_epoch: Array, rate: Array, key: ProgramKey
) -> tuple[SlotState, Array]:
    """Measure every slot in test mode on the train sample and on dev, and keep the best epoch with its averages."""
    dtype = np.dtype(key.architecture.dtype)
    ones = jnp.ones(EVAL_CHUNK, dtype)

    def chunk(rows: Array) -> tuple[Array, Array, Array | None]:
        batch = rows_of(data, rows, ones, None, dtype)
        one = partial(evaluate_for, key.features.metric, features=key.features, loss=key.architecture.loss)
        return jax.vmap(one, in_axes=(0, None, 0))(state.train._replace(averages=averages), batch, group.values)

    found = jax.lax.map(chunk, group.eval_rows.reshape(-1, EVAL_CHUNK))  # [chunks, G, rows]
    costs, errors, shown = jax.tree.map(
        lambda rows: jnp.moveaxis(rows, 1, 0).reshape(key.group, -1, *rows.shape[3:]), found
    )
    (train_cost, dev_cost, judge_cost), means = _means(jnp.stack([costs, errors]), group.eval_roles)
    seen = jnp.maximum(state.train.weight_sum, 1)
    cost, wrong = state.train.cost_sum / seen, state.train.error_sum / seen
    if key.architecture.loss == "squared":
        means, wrong = jnp.sqrt(means), jnp.sqrt(wrong)
    train_error, dev_error, judge_error = means
    value, told = dev_cost if key.features.metric == "log_loss" else dev_error, jnp.full_like(dev_error, jnp.nan)
    if key.features.metric in COMPUTED:
        one = partial(compared, key.features.metric, outputs=key.architecture.outputs)
        targets, choose = at(data.targets, group.eval_rows), group.eval_roles[1]
        value = told = jax.vmap(one, in_axes=(0, 0, None, None, 0))(
            errors, shown, targets, choose, group.values["classes"]
        )
    of_dev, of_judge = (dev_error, dev_cost), (judge_error, judge_cost)
    row = jnp.stack([cost, train_error, *of_dev, *of_judge, train_cost, rate, told, wrong], axis=1)
    best = state.best
    better = (value < best.value) | ((value == best.value) & (dev_cost < best.cost))
    better &= ~jnp.isnan(value + dev_cost)  # no epoch of NaN is ever the best, though its rows count as wrong

    def keep(new: Array, old: Array) -> Array:
        return jnp.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    best = Best(
        parameters=jax.tree.map(keep, state.train.parameters, best.parameters),
        averages=jax.tree.map(keep, averages, best.averages),
        value=keep(value, best.value),
        cost=keep(dev_cost, best.cost),
        epoch=keep(own_epoch, best.epoch),
        row_costs=keep(costs, best.row_costs),
        row_errors=keep(errors, best.row_errors),
    )
    zero = jnp.zeros_like(state.train.cost_sum)
    train = state.train._replace(cost_sum=zero, error_sum=zero, weight_sum=zero)
    return SlotState(train, best), row.astype(dtype)


def _means(rows: Array, roles: Array) -> Array:
    """Weighted means of rows [M, G, R] over the train sample, the choose half and the judge half: [M, 3, G].

    Rows of weight 0 do not count, not even one that is NaN.
    """
    weights = roles[None, :, None, :]
    totals = jnp.sum(jnp.where(weights > 0, weights * rows[:, None], 0.0), axis=3)
    return totals / jnp.maximum(jnp.sum(weights, axis=3), 1e-12)
