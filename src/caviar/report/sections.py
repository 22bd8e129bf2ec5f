"""The sections of the page: each says in words what is known, and names its figures."""

from collections.abc import Callable, Mapping
from typing import Any

from caviar.report import blocks, by_hand, early_stopping, figures, rates, slices, text
from caviar.report.cards import card
from caviar.report.headline import the_data
from caviar.report.layers import probe_figures
from caviar.report.markup import Markup, element, joined
from caviar.report.page_data import PageData
from caviar.report.panels import panels
from caviar.report.section import Section
from caviar.report.shown import what_was_shown
from caviar.search.hyperparameters import HYPERPARAMETERS

_BEST_ROWS = 12  # of the table of the best trials
_POINT_MARKS = {
    "finished": ("●", "trained to the end"),
    "stopped": ("○", "stopped early"),
    "diverged": ("✕", "diverged, drawn at the top"),
    "best": ("★", "best"),
    "median": ("━", "median of the trials around"),
}
_STATISTICS: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "slot_use": ("slot-epochs used", text.share),
    "useful_arithmetic": ("arithmetic that is not padding", text.share),
    "seconds": ("time in all", text.seconds),
    "compile_seconds": ("time to compile", text.seconds),
    "model_epochs": ("network-epochs trained", text.count),
    "epochs_per_second": ("network-epochs per second", text.plain),
    "programs": ("programs compiled", text.count),
}


def all_sections(page: PageData) -> list[Section]:
    """The sections that have something to say, in reading order."""
    made = (build(page) for build in _SECTIONS)
    return [section for section in made if section is not None]


def all_networks(page: PageData) -> Section | None:
    """Every trial's curve, and the best trials as a table."""
    curves = figures.curves(page)
    if curves is None:
        return None
    pressed = "true" if curves.y.scale == "log" else "false"
    button = element("button", "Logarithmic", type="button", data_switch=curves.key, aria_pressed=pressed)
    switches = (button,) if curves.y.switch else ()
    hint = element("span", "Drag to zoom, double-click to go back.", class_="mouse")
    cells = [text.trial_cells(trial, page) for trial in text.ranked(page)[:_BEST_ROWS]]
    body = joined(
        element("p", f"One line a network; the best one is lit. {_direction(page)}", hint),
        blocks.figure(curves, *switches),
        blocks.more("The best trials as a table", blocks.table(text.trial_head(page), cells)),
    )
    return Section("networks", "All networks", body, (curves,))


def error_by_hyperparameter(page: PageData) -> Section | None:
    """Error against each hyperparameter that varied."""
    made = tuple(panels(page))
    if not made:
        return None
    named = page.measure[0].upper() + page.measure[1:]
    said = f"{named} against each hyperparameter that varied: one point a network, the most telling one first."
    said += f" {_direction(page)}".rstrip()
    if any(panel.note for panel in made):
        said += " The share says how much of the networks' order it explains by itself, corrected for chance."
    legend = [
        element("li", element("span", mark, class_=f"mark {role}", aria_hidden="true"), f" {_worse_end(name, page)}")
        for role, (mark, name) in _POINT_MARKS.items()
        if any(series.role == role for panel in made for series in panel.series)
    ]
    grid = element("div", *map(blocks.figure, made), class_="panels")
    body = joined(element("p", said), element("ul", *legend, class_="legend"), grid)
    return Section("hyperparameters", "Hyperparameters", body, made)


def learning_rates(page: PageData) -> Section | None:
    """Which learning rates the network learns at, where they were searched for."""
    if page.learning_rates is None:
        return None
    shown = rates.learning_rates(page.learning_rates)
    said = "Each rate was held constant in short trainings of its own, several seeds at once; no test row was seen. "
    return Section(
        "rates", "Learning rates", joined(element("p", said, shown.description), blocks.figure(shown)), (shown,)
    )


def best_configuration(page: PageData) -> Section | None:
    """The best trial's configuration beside the defaults, and its errors on fresh seeds."""
    best = page.best_trial
    if best is None:
        return None
    changed = text.changes(best.configuration)
    rest = [name for name in HYPERPARAMETERS if name in best.configuration and name not in changed]
    head = ("hyperparameter", "value", "default", "meaning")
    said = f"Trial {best.number}, at its best in epoch {best.best_epoch} of {best.epochs}."
    said += f" It changes {text.counted(len(changed), 'hyperparameter')} from the default."
    if page.weights_at_zero is not None and best.configuration.get("l1", 0.0) > 0:
        said += f" L1 has set {text.share(page.weights_at_zero)} of its weights to exactly 0."
    moved = [_setting(name, best.configuration[name]) for name in changed]
    usual = [_setting(name, best.configuration[name]) for name in rest]
    body = joined(
        element("p", said),
        blocks.table(head, moved, class_="changed") if moved else None,
        blocks.more("What it leaves at the default", blocks.table(head, usual)) if usual else None,
        _retrained(page),
    )
    return Section("best", "Best configuration", body)


def shown(page: PageData) -> Section | None:
    """Train examples as augmentation changed them, where the best network had any."""
    return None if page.shown is None else Section("shown", "What the network was shown", what_was_shown(page.shown))


def gradients_and_units(page: PageData) -> Section | None:
    """What was probed of the best network: by depth, and over the epochs."""
    made = tuple(probe_figures(page.probed)) if page.probed is not None else ()
    if page.probed is None or not made:
        return None
    said = (
        f"What trial {page.probed.number} looked like from inside, at one mini-batch of each epoch. Norms that fall or "
    )
    said += "grow by a factor at every layer say that gradients vanish or explode; the findings say where that matters."
    grid = element("div", *map(blocks.figure, made), class_="panels")
    return Section("gradients", "Gradients and units", joined(element("p", said), grid), made)


def bias_and_variance(page: PageData) -> Section | None:
    """What the error of the best network is made of."""
    bar = figures.bias_variance(page)
    if bar is None:
        return None
    said = "Avoidable bias is what the train error adds to the base error, variance what the dev error adds to that."
    if page.base is None:
        said += " No base error was given, so it is taken as 0."
    said += f" {page.said_of_error()}".rstrip()
    return Section("fit", "Bias and variance", joined(element("p", said), blocks.figure(bar)), (bar,))


def where_it_errs(page: PageData) -> Section | None:
    """The model's errors by class, and by the columns that tell most."""
    if not page.slices:
        return None
    content, made = slices.body(page)
    return Section("slices", "Where the errors are", content, made)


def findings(page: PageData) -> Section:
    """The diagnosis, one card a finding."""
    cards = [card(finding, page.metric) for finding in text.by_severity(page.findings)]
    body = element("div", *cards, class_="cards") if cards else element("p", "Nothing was diagnosed.")
    return Section("findings", "Findings", body)


def stopping(page: PageData) -> Section | None:
    """How many epochs stopping saved, rung by rung."""
    bars = figures.stopping(page)
    if bars is None:
        return None
    saved = sum(rung for _, rung in figures.rungs_of(page).values())
    trained = sum(trial.epochs for trial in page.trials)
    exempt = sum(trial.exempt for trial in page.trials)
    said = f"{text.count(trained)} epochs were trained; stopping saved another {text.count(saved)} "
    said += f"({text.share(saved / (saved + trained))} of what all the networks would have taken)."
    if exempt:
        said += f" {text.counted(exempt, 'network')}, drawn at random, could not be stopped, as a check on the rule."
    return Section("stopping", "Stopping", joined(element("p", said), blocks.figure(bars)), (bars,))


def early_stopped(page: PageData) -> Section | None:
    """What early stopping did to the best network, and what L2 alone does."""
    if not page.early_stopping:
        return None
    shown = early_stopping.curves(page)
    return Section("early_stopping", "Early stopping", early_stopping.body(page, shown), (shown,) if shown else ())


def trained_by_hand(page: PageData) -> Section | None:
    """What a person did to networks while they trained, marked on their curves."""
    if not page.by_hand:
        return None
    content, made = by_hand.body(page)
    return Section("by_hand", "Trained by hand", content, made)


def reproduce(page: PageData) -> Section:
    """How to do it all again, and what the numbers depend on."""
    counted = {}
    for name, value in page.statistics.items():
        label, write = _STATISTICS.get(name, (name.replace("_", " "), blocks.plain))
        counted[label] = write(value) if value is not None else None
    signature = {name.replace("_", " "): value for name, value in page.signature.items()}
    body = joined(
        blocks.code("From the command line", page.command),
        blocks.code("From Python", page.python),
        joined(element("h3", "The programs"), blocks.facts(counted)) if counted else None,
        joined(element("h3", "Versions and device"), blocks.facts(signature)) if signature else None,
    )
    return Section("reproduce", "How to reproduce", body)


def _worse_end(name: str, page: PageData) -> str:
    return name.replace("at the top", "at the bottom") if page.higher else name


def _direction(page: PageData) -> str:
    """Which way is better, with a blank after it, where trials were not compared by the error."""
    if page.compared is None:
        return ""
    return f"They were compared by {page.compared.name}: {page.compared.stick.direction}. "


def _setting(name: str, value: Any) -> tuple[str, Markup, str, str]:
    row = HYPERPARAMETERS.get(name)
    shown = element("strong", text.value(value))
    return (name, shown, text.value(row.default), row.meaning) if row else (name, shown, text.MISSING, "")


def _retrained(page: PageData) -> Markup | None:
    if not page.retrained:
        return None
    rows: list[tuple[Any, ...]] = [
        (one.trial, text.error(one.dev_error, page.metric), text.error(one.train_error, page.metric))
        for one in page.retrained
    ]
    head: tuple[str, ...] = ("trial", "dev error", "train error")
    if page.compared is not None and all(one.compared is not None for one in page.retrained):
        known = [page.compared.stick.write(one.compared or 0.0) for one in page.retrained]
        rows = [(row[0], value, *row[1:]) for row, value in zip(rows, known, strict=True)]
        head = ("trial", f"dev {page.compared.name}", *head[1:])
    luckiest = "lowest of many errors" if page.compared is None else f"best of many values of {page.compared.name}"
    said = f"The {luckiest} is partly luck, so the best few were trained again, from other starting points and "
    said += "on other orders or parts of the rows. This one did best."
    table = blocks.table(head, rows, class_="compact")
    return joined(element("h3", "Trained again"), element("p", said), table)


_SECTIONS: tuple[Callable[[PageData], Section | None], ...] = (
    the_data,
    bias_and_variance,
    where_it_errs,
    findings,
    all_networks,
    trained_by_hand,
    error_by_hyperparameter,
    learning_rates,
    best_configuration,
    shown,
    gradients_and_units,
    stopping,
    early_stopped,
    reproduce,
)
