"""What the slots of a cohort use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.networks.activations import NAMES
from caviar.networks.mlp import Perceptron
from caviar.search.hyperparameters import ACTIVATIONS, OPTIMISERS, complete
from caviar.training.features import Features, features_of, union
from caviar.training.optimisers import UpdateRule

CONFIGURATIONS = st.fixed_dictionaries(
    {},
    optional={
        "optimiser": st.sampled_from(OPTIMISERS),
        "activation": st.sampled_from(ACTIVATIONS),
        "batch_norm": st.booleans(),
        "l1": st.sampled_from([0.0, 1.0]),
        "l2": st.sampled_from([0.0, 1.0]),
        "weight_decay": st.sampled_from([0.0, 0.1]),
        "clip_norm": st.sampled_from([float("inf"), 1.0]),
        "keep_probability": st.sampled_from([1.0, 0.5]),
        "input_keep_probability": st.sampled_from([1.0, 0.8]),
        "label_smoothing": st.sampled_from([0.0, 0.1]),
        "class_weight": st.sampled_from(["none", "balanced"]),
    },
).map(complete)


def of(**configuration):
    """The features of one configuration."""
    return features_of([complete(configuration)])


def test_the_default_uses_nothing_else():
    """The default network needs ReLU and Adam, and a program for it holds nothing else."""
    assert of() == Features(Perceptron(("relu",)), UpdateRule(("adam",)))


@pytest.mark.parametrize(
    ("configuration", "read"),
    [
        ({"keep_probability": 0.5}, lambda f: f.network.dropout),
        ({"keep_probability": [1.0, 0.9]}, lambda f: f.network.dropout),
        ({"input_keep_probability": 0.9}, lambda f: f.network.input_dropout),
        ({"batch_norm": True}, lambda f: f.network.batch_norm == "all"),
        ({"activation": "sigmoid"}, lambda f: f.network.masked),
        ({"l1": 0.1}, lambda f: f.rule.l1),
        ({"l2": 0.1}, lambda f: f.rule.l2),
        ({"weight_decay": 0.1}, lambda f: f.rule.weight_decay),
        ({"clip_norm": 1.0}, lambda f: f.rule.clip),
        ({"label_smoothing": 0.1}, lambda f: f.smoothing),
        ({"class_weight": "balanced"}, lambda f: f.weighted),
    ],
)
def test_each_feature_is_seen(configuration, read):
    """A hyperparameter that is on puts its feature into the program; the default leaves it out."""
    assert read(of(**configuration)) and not read(of())


def test_a_linear_model_uses_no_hidden_features():
    """Without hidden layers, dropout of units and batch norm are in no program, whatever the configuration says."""
    found = of(hidden=[], keep_probability=0.5, batch_norm=True).network
    assert not found.dropout and found.batch_norm == "none"


@given(configurations=st.lists(CONFIGURATIONS, min_size=1, max_size=5))
def test_a_union_holds_each(configurations):
    """The features of several are the union of theirs in any order, and adding one of them changes nothing."""
    whole = features_of(configurations)
    assert whole == features_of(configurations[::-1])
    each = [features_of([c]) for c in configurations]
    for one in each:
        assert union(whole, one) == whole == union(one, whole)
        assert set(one.network.activations) <= set(whole.network.activations)
        assert set(one.rule.optimisers) <= set(whole.rule.optimisers)
        for flag in ("l1", "l2", "weight_decay", "clip"):
            assert getattr(whole.rule, flag) >= getattr(one.rule, flag)
    used = {one.network.batch_norm for one in each}
    assert whole.network.batch_norm == (used.pop() if len(used) == 1 else "some")
    assert list(whole.network.activations) == sorted(whole.network.activations, key=NAMES.index)


@given(one=CONFIGURATIONS, other=CONFIGURATIONS, third=CONFIGURATIONS)
def test_unions_may_be_nested(one, other, third):
    """However unions are nested, one program results."""
    a, b, c = (features_of([x]) for x in (one, other, third))
    assert union(union(a, b), c) == union(a, union(b, c))


def test_the_metric_and_weighted_rows_are_kept():
    """What the study asks for is in the features of all, whatever the configurations are."""
    found = features_of([complete({}), complete({"optimiser": "momentum"})], weighted=True, metric="log_loss")
    assert found.weighted and found.metric == "log_loss"
    assert union(found, of()).metric == "log_loss"


def test_outputs_are_padded_where_it_is_said():
    """Several configurations together pad no outputs either, so that a program masks none."""
    configurations = [complete({"activation": name}) for name in ("relu", "tanh")]
    assert not features_of(configurations, padded_outputs=False).padded_outputs
    assert features_of(configurations, padded_outputs=True).padded_outputs
