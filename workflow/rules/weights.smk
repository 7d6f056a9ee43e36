# One item per data set, family and depth: statistics of all their networks.
rule weights:
    input:
        trained("weights"),
        plan.index("weights").as_posix(),


rule weights_item:
    input:
        needs("weights"),
    output:
        f"{ROOT}/weights/{{item}}/item.json",
    log:
        f"{LOGS}/weights/{{item}}.log",
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.weights --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


rule weights_close:
    input:
        trained("weights"),
    output:
        plan.index("weights").as_posix(),
    log:
        f"{LOGS}/weights/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} weights --study {params.study:q} > {log:q} 2>&1"
