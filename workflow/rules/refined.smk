# The sizes that stage refine adds, trained as those of the sweep.
rule refined:
    input:
        trained("refined"),
        plan.index("refined").as_posix(),


rule refined_item:
    input:
        needs("refined"),
    output:
        f"{ROOT}/refined/{{item}}/item.json",
    log:
        f"{LOGS}/refined/{{item}}.log",
    priority: longest_first("refined")
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.refined --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


rule refined_close:
    input:
        trained("refined"),
    output:
        plan.index("refined").as_posix(),
    log:
        f"{LOGS}/refined/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} refined --study {params.study:q} > {log:q} 2>&1"
