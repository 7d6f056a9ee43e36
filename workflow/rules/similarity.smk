# How far apart the weights of good and poor networks lie.
rule similarity:
    input:
        trained("similarity"),
        plan.index("similarity").as_posix(),


rule similarity_item:
    input:
        needs("similarity"),
    output:
        f"{ROOT}/similarity/{{item}}/item.json",
    log:
        f"{LOGS}/similarity/{{item}}.log",
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.similarity --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


rule similarity_close:
    input:
        trained("similarity"),
    output:
        plan.index("similarity").as_posix(),
    log:
        f"{LOGS}/similarity/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} similarity --study {params.study:q} > {log:q} 2>&1"
