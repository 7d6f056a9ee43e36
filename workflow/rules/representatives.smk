# The models that go on to pruning and quantization; what follows is planned from them.
rule representatives:
    input:
        trained("representatives"),
        plan.index("representatives").as_posix(),


rule representatives_item:
    input:
        needs("representatives"),
    output:
        f"{ROOT}/representatives/{{item}}/item.json",
    log:
        f"{LOGS}/representatives/{{item}}.log",
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.representatives --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


checkpoint representatives_close:
    input:
        trained("representatives"),
    output:
        plan.index("representatives").as_posix(),
    log:
        f"{LOGS}/representatives/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} representatives --study {params.study:q} > {log:q} 2>&1"
