# Regimes and minimal learnable sizes, from all curves.
rule convergence:
    input:
        trained("convergence"),
        plan.index("convergence").as_posix(),


rule convergence_item:
    input:
        needs("convergence"),
    output:
        f"{ROOT}/convergence/{{item}}/item.json",
    log:
        f"{LOGS}/convergence/{{item}}.log",
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.convergence --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


rule convergence_close:
    input:
        trained("convergence"),
    output:
        plan.index("convergence").as_posix(),
    log:
        f"{LOGS}/convergence/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} convergence --study {params.study:q} > {log:q} 2>&1"
