# What the rules ask the plan.
def finished(stage):
    """The records of all items of a stage; one that was lost is seen, because it is asked for."""
    return [
        ancient(f"{ROOT}/{item.path}/item.json") for item in plan.items(stage).values()
    ]


def needs(stage):
    """What an item reads: the records of its input items."""

    def records(wildcards):
        if Path(ROOT, stage, wildcards.item, "item.json").exists():
            # Its key names its inputs: whether they are made again changes nothing.
            return []
        inputs = plan.items(stage)[wildcards.item].inputs.values()
        flat = [
            path
            for given in inputs
            for path in ([given] if isinstance(given, str) else given)
        ]
        return [ancient(f"{ROOT}/{path}/item.json") for path in flat]

    return records


def trained(stage):
    """Items of a stage that reads all trainings: known once the sizes to add are."""
    if plan.study.convergence.refine is None:
        return finished(stage)

    def records(wildcards):
        checkpoints.refine_close.get()
        session.go_on()
        return finished(stage)

    return records


def chosen(stage):
    """Items of a stage that the representatives decide: known once those are."""

    def records(wildcards):
        checkpoints.representatives_close.get()
        session.go_on()
        return finished(stage)

    return records


def longest_first(stage):
    """So that the last minute of a sweep uses all cores."""

    def priority(wildcards):
        return seconds(plan.items(stage)[wildcards.item], plan.study)

    return priority
