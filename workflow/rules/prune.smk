# One item per representative and level, and one for its curve of magnitude pruning.
rule prune:
    input:
        chosen("prune"),
        plan.index("prune").as_posix(),


rule prune_item:
    input:
        needs("prune"),
    output:
        f"{ROOT}/prune/{{item}}/item.json",
    log:
        f"{LOGS}/prune/{{item}}.log",
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.prune --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


rule prune_close:
    input:
        chosen("prune"),
    output:
        plan.index("prune").as_posix(),
    log:
        f"{LOGS}/prune/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} prune --study {params.study:q} > {log:q} 2>&1"
