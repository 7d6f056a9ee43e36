# One item per representative and per pruned network.
rule quantize:
    input:
        chosen("quantize"),
        plan.index("quantize").as_posix(),


rule quantize_item:
    input:
        needs("quantize"),
    output:
        f"{ROOT}/quantize/{{item}}/item.json",
    log:
        f"{LOGS}/quantize/{{item}}.log",
    params:
        job=JOB,
        study=plan.study_file,
    shell:
        "{params.job:q} minarch.quantize --study {params.study:q} --item {wildcards.item} > {log:q} 2>&1"


rule quantize_close:
    input:
        chosen("quantize"),
    output:
        plan.index("quantize").as_posix(),
    log:
        f"{LOGS}/quantize/close.log",
    params:
        close=CLOSE,
        study=plan.study_file,
    shell:
        "{params.close:q} quantize --study {params.study:q} > {log:q} 2>&1"
