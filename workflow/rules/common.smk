# What the rules ask the plan.
from functools import cache


def product(path):
    """The file that stands for an item `<stage>/<name>`."""
    return session.storage.product(f"{ROOT}/{path}")


def output_of(path):
    """What a job makes. On a node Snakemake and the job leave it there if it is whole:
    a group that is tried again keeps what the lost attempt has finished.
    """
    return update(product(path)) if RESUMES else product(path)


# A node without a shared disk has nothing to keep.
RESUMES = not (workflow.is_main_process or session.storage.used)
KEEP = ["--keep"] if RESUMES else []


def finished(stage):
    """The files of all items of a stage; one that was lost is seen, because it is asked for."""
    return [ancient(product(item.path)) for item in plan.items(stage).values()]


def listed(stage):
    """The files of all items of a stage, once the stages that decide which it has are closed."""
    deciding = plan.waits(stage)
    if not deciding:
        return finished(stage)

    def records(wildcards):
        for decider in deciding:
            getattr(checkpoints, f"{decider}_close").get()
        session.go_on()
        return finished(stage)

    return records


@cache
def indexes(stage):
    """The indexes of a stage and of all stages before it that it needs: DVC compares what was closed with them."""
    earlier = {name: indexes(name) for name in reads(stage)}
    paths = [path for paths in earlier.values() for path in paths]
    return list(dict.fromkeys([*paths, plan.index(stage).as_posix()]))


def needs(stage):
    """What an item reads: the files of its input items."""

    def records(wildcards):
        if Path(product(f"{stage}/{wildcards.item}")).exists():
            # Its key names its inputs: whether they are made again changes nothing.
            return []
        parents = plan.items(stage)[wildcards.item].parents
        return [ancient(product(path)) for path in parents]

    return records


def takes(stage):
    """What an item takes, as Snakemake's resources; more after an attempt that ran out of memory or time."""

    def memory(wildcards, attempt):
        return attempt * plan.items(stage)[wildcards.item].resources.memory_mb

    def minutes(wildcards, attempt):
        return groups.minutes(stage, wildcards.item, attempt)

    def gpu(wildcards):
        return plan.items(stage)[wildcards.item].resources.gpus

    def turn(wildcards):
        return int(groups.used)

    resources = {"mem_mb": memory, "runtime": minutes, TURN: turn}
    # Kubernetes takes even none as a request.
    return resources | ({"gpu": gpu} if plan.study.train.device == "cuda" else {})


def priority(stage):
    """What is started first."""

    def value(wildcards):
        return plan.items(stage)[wildcards.item].resources.priority

    return value


def here(stage):
    """Whether a stage's items are made on this machine: nodes without a shared disk lack the files that it reads."""
    return session.storage.used and bool(STAGES[stage].files)


def log_of(stage, log):
    """Where an item's log is kept; a storage would take away what is to be shown here."""
    return local(log) if here(stage) else log


def group(stage):
    """What an item is submitted with."""
    if here(stage):
        return None

    def name(wildcards):
        return groups.name(stage, wildcards.item)

    return name


def threads(stage):
    """With all cores an item waits for what runs, and nothing starts beside it; a cluster has nodes of its own."""

    def value(wildcards):
        return session.cores if STAGES[stage].alone and workflow.local_exec else 1

    return value


def job(module):
    """The command that runs a module, in the fork server where there is one."""

    def command(wildcards):
        session.serve()
        return [*JOB, module]

    return command


def packed(wildcards, output):
    """Where a storage stages an item from."""
    return ["--parcel", output[0]] if session.storage.used else []


def parcels(wildcards, input):
    """Where a storage stages the items of a stage to."""
    return (
        ["--parcels", Path(input[0]).parents[1]]
        if session.storage.used and input
        else []
    )


def shown():
    """What `snakemake --report` shows: the published figures and tables, once they are there."""
    kinds = {
        "figures": report(
            local(f"{plan.reports}/figures"),
            patterns=["{figure}.svg"],
            caption="workflow/report/figures.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        "tables": report(
            local(f"{plan.reports}/tables"),
            patterns=["{table}.csv"],
            caption="workflow/report/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
    }
    return [shown for kind, shown in kinds.items() if (plan.reports / kind).is_dir()]
