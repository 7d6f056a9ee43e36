# Three rules per stage: all of it, one item of it, and its index. `minarch --help` tells what each stage makes.
for stage, declared in STAGES.items():

    rule:
        name:
            stage
        input:
            listed(stage),
            [local(path) for path in indexes(stage)],
        localrule: True

    rule:
        name:
            f"{stage}_item"
        input:
            needs(stage),
        output:
            output_of(f"{stage}/{{item}}"),
        log:
            log_of(stage, f"{LOGS}/{stage}/{{item}}.log"),
        priority: priority(stage)
        group:
            group(stage)
        localrule: here(stage)
        threads: threads(stage)
        resources:
            **takes(stage),
        params:
            job=job(declared.module),
            study=plan.study_file,
            parcel=packed,
            keep=KEEP,
        shell:
            "{params.job:q} --study {params.study:q} --item {wildcards.item} {params.parcel:q} {params.keep:q} > {log:q} 2>&1"

    if declared.decides:

        checkpoint:
            name:
                f"{stage}_close"
            input:
                listed(stage),
            output:
                local(plan.index(stage).as_posix()),
            log:
                local(f"{LOGS}/{stage}/close.log"),
            priority: 10**9  # later stages wait for what it decided
            localrule: True
            params:
                close=[*CLOSE, stage],
                study=plan.study_file,
                parcels=parcels,
            shell:
                "{params.close:q} --study {params.study:q} {params.parcels:q} > {log:q} 2>&1"

    else:

        rule:
            name:
                f"{stage}_close"
            input:
                listed(stage),
            output:
                local(plan.index(stage).as_posix()),
            log:
                local(f"{LOGS}/{stage}/close.log"),
            localrule: True
            params:
                close=[*CLOSE, stage],
                study=plan.study_file,
                parcels=parcels,
            shell:
                "{params.close:q} --study {params.study:q} {params.parcels:q} > {log:q} 2>&1"
