"""How to do a study again: as a command, and as lines of Python."""

import shlex
from collections.abc import Mapping
from typing import Any

from caviar.study.spec import Campaign
from caviar.study.study import Study

_READING = ("target", "task", "group", "time", "weight", "split", "ignore")


def command(study: Study) -> str:
    """The command that does all of it again, where it was a command that did it."""
    job, campaigns = study.job, study.campaigns
    if not job:
        return "# This study was begun from Python."
    words = ["caviar", job["kind"].replace("_", "-"), str(job["data"])]
    if job["target"]:
        words += ["--target", str(job["target"])]
    if campaigns and job["kind"] == "search":
        words += ["--trials", str(campaigns[0].trials)]
    by_hand = job["kind"] == "babysit"
    if campaigns and not by_hand:
        words += ["--epochs", str(campaigns[0].epochs)]
    words += [*job["options"], "--seed", str(study.seed)]
    told = " ".join(shlex.quote(word) for word in words)
    return f"{told}\n# What was done by hand from there on is in the notebook: caviar notebook RUN" if by_hand else told


def python(study: Study) -> str:
    """The lines of Python that do all of it again; data that lived in memory alone has to be put in by hand."""
    about = study.store.setting("study")["data"]
    source, space = about["source"], _space(study)
    read = {name: source.get(name) for name in _READING if source.get(name) not in (None, [], "auto")}
    begun: dict[str, Any] = {"seed": study.seed}
    if study.metric != "error":
        begun["metric"] = study.metric
    if study.base_error:
        begun["base_error"] = study.base_error
    in_memory = not isinstance(source.get("path"), str)
    data = "frame" if in_memory else repr(source["path"])
    lines = ["import caviar"]
    if in_memory:
        lines.append("frame = ...  # the data that this study was made of, which lived in memory alone")
    lines.append(f"data = caviar.read({_arguments([data], read)})")
    cut = {"seed": about["splits"]["seed"]} | ({"test": 0} if "--no-test" in study.job.get("options", ()) else {})
    lines.append(f"splits = caviar.split({_arguments(['data'], cut)})")
    if space:
        lines.append(f"space = {space}")
    first = [repr(f"{study.folder}-again"), "splits", *(["space=space"] if space else [])]
    lines.append(f"study = caviar.Study({_arguments(first, begun)})")
    if study.job.get("kind") == "find_learning_rate":
        return "\n".join([*lines, f"study.find_learning_rate({_arguments([], study.job['arguments'])})"])
    lines += [_call(study, campaign) for campaign in study.campaigns if campaign.kind in ("search", "train")]
    if any(campaign.kind == "babysit" for campaign in study.campaigns):
        lines.append("# Networks that were trained by hand are not done again: their logs are in study.notebook.")
    return "\n".join([*lines, "study.finish()"])


def _space(study: Study) -> str:
    """How the space was made; nothing where it is the data's default."""
    if not study.job:
        return f"caviar.Space.from_dict({study.space.to_dict()!r})"
    fixed, varied = study.job["fixed"], study.job["varied"]
    return f"caviar.Space.default(data).with_options({fixed!r}, {varied!r})" if fixed or varied else ""


def _call(study: Study, campaign: Campaign) -> str:
    """A search or a training as it was called."""
    options: dict[str, Any] = {"epochs": campaign.epochs}
    if campaign.kind == "train":
        usual = study.space.default_configuration()
        others = [
            {name: value for name, value in trial["configuration"].items() if value != usual[name]}
            for trial in campaign.cohorts[0].trials
        ]
        told = others if len(others) > 1 else others[0]
        return f"study.train({_arguments([repr(told)] if told else [], {**options, **_ends(campaign)})})"
    if campaign.stopping != "halving":
        options["stopping"] = campaign.stopping
    options |= _ends(campaign)
    if campaign.about["sampler"] != "random":
        options["sampler"] = campaign.about["sampler"]
    if campaign.about.get("start_from"):
        options["start_from"] = campaign.about["start_from"]
    if not campaign.probes:
        options["probes"] = False
    return f"study.search({_arguments([], {'trials': campaign.trials, **options})})"


def _ends(campaign: Campaign) -> dict[str, Any]:
    """How patience was asked for."""
    told = {"patience": campaign.patience} if campaign.patience is not None else {}
    return told if campaign.about.get("twins", True) else {**told, "twins": False}


def _arguments(first: list[str], named: Mapping[str, Any]) -> str:
    return ", ".join([*first, *(f"{name}={value!r}" for name, value in named.items())])
