# One item per architecture and block of repeats.
rule sweep:
    input:
        finished("sweep"),
        plan.index("sweep").as_posix(),


rule sweep_item:
    input:
        needs("sweep"),
    output:
        f"{ROOT}/sweep/{{item}}/item.json",
    log:
        f"{LOGS}/sweep/{{item}}.log",
    priority: longest_first("sweep")
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.sweep --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


rule sweep_close:
    input:
        finished("sweep"),
    output:
        plan.index("sweep").as_posix(),
    log:
        f"{LOGS}/sweep/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} sweep --study {params.study:q} > {log:q} 2>&1"
