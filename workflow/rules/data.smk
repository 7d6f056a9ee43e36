# One item per data set: its splits as tensors.
rule data:
    input:
        finished("data"),
        plan.index("data").as_posix(),


rule data_item:
    output:
        f"{ROOT}/data/{{item}}/item.json",
    log:
        f"{LOGS}/data/{{item}}.log",
    priority: 10**9  # before the sweep of other data sets
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.data --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


rule data_close:
    input:
        finished("data"),
    output:
        plan.index("data").as_posix(),
    log:
        f"{LOGS}/data/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} data --study {params.study:q} > {log:q} 2>&1"
