# Which sizes to add around P_min; what is trained besides is planned from it.
rule refine:
    input:
        finished("refine"),
        plan.index("refine").as_posix(),


rule refine_item:
    input:
        needs("refine"),
    output:
        f"{ROOT}/refine/{{item}}/item.json",
    log:
        f"{LOGS}/refine/{{item}}.log",
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.refine --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


checkpoint refine_close:
    input:
        finished("refine"),
    output:
        plan.index("refine").as_posix(),
    log:
        f"{LOGS}/refine/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} refine --study {params.study:q} > {log:q} 2>&1"
