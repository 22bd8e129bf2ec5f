"""What a session at a prompt shows of the things a person holds: a line each, never every row."""

import caviar


def test_what_a_prompt_shows(tmp_path):
    """A data set, its sets, a study and a model are told in a line; printed, a data set tells what was inferred too."""
    data = caviar.read("iris")
    splits = caviar.split(data, seed=0)
    assert repr(data) == "<Dataset 'iris': 150 rows, 4 inputs, target 'target': 3 classes>"
    assert str(data).splitlines()[1:] == list(data.notes)
    assert repr(splits) == "<Splits of 'iris': train 90, dev 30, test 30 rows, by hash, seed 0>"
    assert repr(caviar.read("digits")) == (
        "<Dataset 'digits': 1\N{NO-BREAK SPACE}797 rows, images of 8 × 8 × 1, target 'label': 10 classes>"
    )
    folder = tmp_path / "run"
    study = caviar.Study(folder, splits, space=caviar.Space().fix(hidden=[5, 4]), seed=0)
    assert repr(study) == f"<Study '{folder}': 0 trials>"
    study.train(epochs=1)
    assert repr(study) == f"<Study '{folder}': 1 trial>"
    assert repr(study.best_model()) == "<Model of 'iris': 'target', 3 classes, hidden layers of 5-4 units>"
