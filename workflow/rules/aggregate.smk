# Tables, figures and the report.
rule aggregate:
    input:
        chosen("aggregate"),
        plan.index("aggregate").as_posix(),


rule aggregate_item:
    input:
        needs("aggregate"),
    output:
        f"{ROOT}/aggregate/{{item}}/item.json",
    log:
        f"{LOGS}/aggregate/{{item}}.log",
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.aggregate --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


rule aggregate_close:
    input:
        chosen("aggregate"),
    output:
        plan.index("aggregate").as_posix(),
    log:
        f"{LOGS}/aggregate/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} aggregate --study {params.study:q} > {log:q} 2>&1"
