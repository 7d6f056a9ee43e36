# What jobs run in on Kubernetes and with apptainer (docs/remotes-and-clusters.md); built by `make image`.
ARG BASE=docker.io/library/debian:bookworm-slim
FROM ${BASE}

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git python3.11 python3.11-venv \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/environment/bin:$PATH

# As in the Makefile: torch for the processor alone, and where its index cannot be reached PyPI's, with 3.4 GB of CUDA.
# Modules are compiled here, because who runs jobs often cannot write into an image.
WORKDIR /minarch
COPY requirements.txt requirements-cluster.txt ./
RUN python3.11 -m venv /environment \
    && export PIP_NO_CACHE_DIR=1 CPU=https://download.pytorch.org/whl/cpu \
    && { pip install --no-deps --index-url $CPU $(grep -E '^torch(vision)?==' requirements.txt) \
        || echo "$CPU cannot be reached: torch comes with CUDA"; } \
    && pip install --requirement requirements.txt --requirement requirements-cluster.txt

# Jobs on Kubernetes bring the code of their run along; this is for runs in the image itself.
COPY . .
RUN pip install --no-cache-dir --no-deps --editable .
