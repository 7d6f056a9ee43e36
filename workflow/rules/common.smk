# What the rules ask the plan.
def finished(stage):
    """The records of all items of a stage; one that was lost is seen, because it is asked for."""
    return [
        ancient(f"{ROOT}/{item.path}/item.json") for item in plan.items(stage).values()
    ]


def listed(stage):
    """The records of all items of a stage, once the stages that decide which it has are closed."""
    deciding = plan.waits(stage)
    if not deciding:
        return finished(stage)

    def records(wildcards):
        for decider in deciding:
            getattr(checkpoints, f"{decider}_close").get()
        session.go_on()
        return finished(stage)

    return records


def needs(stage):
    """What an item reads: the records of its input items."""

    def records(wildcards):
        if Path(ROOT, stage, wildcards.item, "item.json").exists():
            # Its key names its inputs: whether they are made again changes nothing.
            return []
        parents = plan.items(stage)[wildcards.item].parents
        return [ancient(f"{ROOT}/{path}/item.json") for path in parents]

    return records


def planned(stage, resource):
    """What the plan says that an item takes."""

    def value(wildcards):
        return getattr(plan.items(stage)[wildcards.item].resources, resource)

    return value


def shown():
    """What `snakemake --report` shows: the published figures and tables, once they are there."""
    kinds = {
        "figures": report(
            f"{plan.reports}/figures",
            patterns=["{figure}.svg"],
            caption="workflow/report/figures.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        "tables": report(
            f"{plan.reports}/tables",
            patterns=["{table}.csv"],
            caption="workflow/report/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
    }
    return [shown for kind, shown in kinds.items() if (plan.reports / kind).is_dir()]
